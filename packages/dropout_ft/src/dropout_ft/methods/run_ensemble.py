"""Ensemble of the final checkpoints of several runs (paper 4.1, "Ensemble, all")."""

from collections.abc import Sequence

from dropout_ft.methods.base import Method, Options, Scores, method, summed
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.results.scores import score


@method
class EnsembleOverRuns(Method):
    """The sum over the last checkpoints of a method's runs."""

    name = "ensemble over runs"
    description = "summed logits of the last checkpoints of all runs"
    marker = "h"
    order = 110
    over = "runs"
    networks = 0

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Return the ensemble's scores."""
        check_same_tables(runs)
        members = [run.logits[run.last_step]["current"] for run in runs]
        total = summed(members, options.ensemble_of)
        return [{"members": len(members), **score(total, runs[0].table)}]
