"""Average the final weights of runs that differ in their seed, and score the average."""

from collections.abc import Sequence

from dropout_ft.methods.keeping import Scores, kept_scores
from dropout_ft.methods.reevaluation import evaluate_weights, final_weights
from dropout_ft.methods.run_ensemble import check_same_tables
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.report.collect import Result, Run, groups_over_seeds, over_runs_result

METHOD = "average over runs"


def averages_over_runs(runs: Sequence[Run]) -> list[Result]:
    """Score the average of every group of runs with equal rate and test domain.

    Each score is kept beside the group's first run, so that a report made again costs nothing.
    """
    return [_averaged(group) for group in groups_over_seeds(runs)]


def _averaged(group: Sequence[Run]) -> Result:
    check_same_tables([run.table for run in group])
    directories = [run.directory for run in group]

    def evaluate() -> Scores:
        average = average_weights([final_weights(directory) for directory in directories])
        return evaluate_weights(directories[0], average)

    scores = kept_scores(directories[0].path / "average_over_runs.json", group, evaluate)
    assert scores is not None
    return over_runs_result(METHOD, group, scores, networks=1)
