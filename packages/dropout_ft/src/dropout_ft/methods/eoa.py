"""EoA (Arpit et al. 2022): an ensemble of moving averages, one along each run."""

from collections.abc import Mapping, Sequence

import numpy as np

from dropout_ft.methods.base import Method, Options, Scores, method, summed
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.results.scores import score
from dropout_ft.results.selection import select_iid


def average_logits(
    rows: Sequence[Mapping[str, float]], logits: Mapping[int, Mapping[str, np.ndarray]]
) -> np.ndarray:
    """Return (N, C) logits of a run's moving average at the step the i.i.d. accuracy chooses.

    The ensemble sums them over runs, raw, as the official code does.

    Args:
        rows: the average's evaluations, each with ``step``.
        logits: by step and set of weights.
    """
    return logits[int(select_iid(rows)["step"])]["average"]


@method
class EnsembleOfAverages(Method):
    """The sum over the moving averages of a method's runs."""

    name = "EoA"
    description = "summed logits of every run's moving average"
    marker = "d"
    order = 120
    over = "runs"
    networks = 0
    asked = True

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether every run kept an average."""
        return all(run.along("average") for run in runs)

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Return the ensemble's scores."""
        check_same_tables(runs)
        members = [average_logits(run.along("average"), run.logits) for run in runs]
        total = summed(members, "logits")
        return [{"members": len(members), **score(total, runs[0].table)}]
