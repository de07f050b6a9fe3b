"""Average the final weights of runs that differ in their seed, and score the average."""

import json
from collections.abc import Sequence
from pathlib import Path

from dropout_ft.evaluation.rerun import evaluate_weights, final_weights
from dropout_ft.methods.run_ensemble import check_same_tables
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.report.collect import Result, Run, groups_over_seeds, over_runs_result
from holdfast.atomic import write_text

METHOD = "average over runs"


def averages_over_runs(runs: Sequence[Run]) -> list[Result]:
    """Score the average of every group of runs with equal rate and test domain.

    Each score is kept beside the group's first run, so that a report made again costs nothing.
    """
    return [_averaged(group) for group in groups_over_seeds(runs)]


def _averaged(group: Sequence[Run]) -> Result:
    check_same_tables([run.table for run in group])
    directories = [run.directory for run in group]
    names = sorted(d.path.name for d in directories)
    kept = directories[0].path / "average_over_runs.json"
    scores = _read(kept, names)
    if scores is None:
        average = average_weights([final_weights(directory) for directory in directories])
        scores = evaluate_weights(directories[0], average)
        write_text(kept, json.dumps({"runs": names, "scores": scores}, indent=2) + "\n")
    return over_runs_result(METHOD, group, scores, networks=1)


def _read(path: Path, names: list[str]) -> dict[str, float] | None:
    if not path.is_file():
        return None
    found = json.loads(path.read_text())
    return dict(found["scores"]) if found["runs"] == names else None
