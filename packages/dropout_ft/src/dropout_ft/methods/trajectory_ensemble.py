"""Ensemble of the checkpoints along one run (paper 4.1, "Ensemble, per trajectory")."""

from collections.abc import Mapping, Sequence

import numpy as np

from dropout_ft.data.table import EvaluationTable
from dropout_ft.methods.base import Method, Options, Scores, Sum, method
from dropout_ft.results.run import Run
from dropout_ft.results.scores import score, softmax


def trajectory_ensemble(
    logits: Mapping[int, np.ndarray],
    table: EvaluationTable,
    *,
    start_step: int = 1,
    ensemble_of: Sum = "logits",
) -> list[Scores]:
    """Score the running ensemble after each checkpoint.

    The official code sums raw logits of all checkpoints from step 300 on, every 300 steps, and
    takes the maximum of the sum; ``probabilities`` averages softmax instead.

    Args:
        logits: (N, C) by step.
        table: what the rows are.
        start_step: first step whose checkpoint is a member.
        ensemble_of: what is summed.

    Returns:
        One row for each member, with ``step``, ``members`` and the scores of the ensemble so far.
    """
    total: np.ndarray | None = None
    rows: list[Scores] = []
    for step in sorted(step for step in logits if step >= start_step):
        member = logits[step].astype(np.float64)
        member = softmax(member) if ensemble_of == "probabilities" else member
        total = member if total is None else total + member
        rows.append({"step": step, "members": len(rows) + 1, **score(total, table)})
    return rows


@method
class TrajectoryEnsemble(Method):
    """The sum over a run's checkpoints so far."""

    name = "trajectory ensemble"
    description = "summed logits of all checkpoints of a run so far"
    marker = "p"
    order = 60
    over = "run"
    networks = 0

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the domains left out were evaluated at every step."""
        return all("ood" in row for row in runs[0].along("current"))

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Return a row for each member."""
        run = runs[0]
        current = {step: run.logits[step]["current"] for step in run.logits}
        return trajectory_ensemble(current, run.table, ensemble_of=options.ensemble_of)
