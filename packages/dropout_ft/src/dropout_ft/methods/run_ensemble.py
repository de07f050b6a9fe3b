"""Ensemble of the final checkpoints of several runs (paper 4.1, "Ensemble, all")."""

from collections.abc import Sequence

import numpy as np

from dropout_ft.data.evaluation_table import EvaluationTable
from dropout_ft.methods.trajectory_ensemble import Average, softmax
from dropout_ft.results.scores import score
from holdfast.errors import ConfigError


def run_ensemble(
    logits: Sequence[np.ndarray],
    tables: Sequence[EvaluationTable],
    *,
    average: Average = "logits",
) -> dict[str, float]:
    """Score the ensemble of several runs that were evaluated on the same pictures.

    Args:
        logits: each run's (N, C) matrix.
        tables: each run's table.
        average: what is summed.

    Raises:
        ConfigError: fewer than two runs, or runs of different splits or test domains.
    """
    if len(logits) < 2:
        raise ConfigError("An ensemble over runs needs at least two runs of the same test domain.")
    check_same_tables(tables)
    members = [softmax(m) if average == "probabilities" else m.astype(np.float64) for m in logits]
    return {"members": len(members), **score(np.sum(members, axis=0), tables[0])}


def check_same_tables(tables: Sequence[EvaluationTable]) -> None:
    """Refuse runs whose evaluations are not row for row the same.

    Raises:
        ConfigError: some table differs from the first.
    """
    first = tables[0]
    for table in tables[1:]:
        same = (
            table.test_domains == first.test_domains
            and table.paths == first.paths
            and np.array_equal(table.label, first.label)
            and np.array_equal(table.held_out, first.held_out)
        )
        if not same:
            raise ConfigError(
                "The runs were evaluated on different pictures: combine only runs with the same "
                "data, test domain and trial_seed."
            )
