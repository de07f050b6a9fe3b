"""EoA (Arpit et al. 2022): an ensemble of moving averages, one along each run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dropout_ft.results.selection import select_iid


def average_logits(
    rows: Sequence[Mapping[str, Any]], logits: Mapping[int, Mapping[str, np.ndarray]]
) -> np.ndarray | None:
    """Return the logits of a run's moving average at the step that the i.i.d. accuracy chooses.

    The ensemble sums them over runs, raw, as the official code does.

    Args:
        rows: evaluations of the run, each with ``step`` and, from some step on, ``average``.
        logits: by step and set of weights.

    Returns:
        (N, C), or None where the run kept no average.
    """
    averaged = [{"step": row["step"], **row["average"]} for row in rows if "average" in row]
    if not averaged:
        return None
    return logits[int(select_iid(averaged)["step"])]["average"]
