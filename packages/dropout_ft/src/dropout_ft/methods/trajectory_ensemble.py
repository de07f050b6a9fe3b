"""Ensemble of the checkpoints along one run (paper 4.1, "Ensemble, per trajectory")."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from dropout_ft.data.evaluation_table import EvaluationTable
from dropout_ft.results.scores import score

Average = Literal["logits", "probabilities"]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise softmax of (N, C) logits."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalised: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return normalised


def trajectory_ensemble(
    logits: Mapping[int, np.ndarray],
    table: EvaluationTable,
    *,
    start_step: int = 1,
    average: Average = "logits",
) -> list[dict[str, float]]:
    """Score the running ensemble after each checkpoint.

    The official code sums raw logits of all checkpoints from step 300 on, every 300 steps, and
    takes the maximum of the sum; ``probabilities`` averages softmax instead.

    Args:
        logits: (N, C) by step.
        table: what the rows are.
        start_step: first step whose checkpoint is a member.
        average: what is summed.

    Returns:
        One row for each member, with ``step``, ``members`` and the scores of the ensemble so far.
    """
    total: np.ndarray | None = None
    rows: list[dict[str, float]] = []
    for step in sorted(step for step in logits if step >= start_step):
        member = logits[step].astype(np.float64)
        member = softmax(member) if average == "probabilities" else member
        total = member if total is None else total + member
        rows.append({"step": step, "members": len(rows) + 1, **score(total, table)})
    return rows
