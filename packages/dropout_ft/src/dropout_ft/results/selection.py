"""Choosing a checkpoint without looking at the test domain."""

import math
from collections.abc import Mapping, Sequence


def select_iid(rows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Return the first row with the best i.i.d. validation accuracy (paper 4.3, DomainBed "IID").

    Args:
        rows: evaluations in the order of steps, each with ``iid``.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a run without evaluations has nothing to select")
    finite = [row for row in rows if math.isfinite(row["iid"])]
    if not finite:
        raise ValueError("no evaluation of the run has a finite i.i.d. accuracy")
    return max(finite, key=lambda row: row["iid"])


def select_last(rows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Return the last row: no selection at all."""
    if not rows:
        raise ValueError("a run without evaluations has nothing to select")
    return rows[-1]
