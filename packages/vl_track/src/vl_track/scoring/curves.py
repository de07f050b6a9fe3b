"""Curves over thresholds, for all sequences of a benchmark at once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
OVERLAP_STEPS, ERROR_STEPS = 21, 51
# k * 0.05 and k / 100, as the toolkits' ranges give them; linspace differs in the last bit.
OVERLAP_THRESHOLDS: Floats = np.asarray(np.arange(OVERLAP_STEPS) * 0.05, dtype=np.float64)
OVERLAP_THRESHOLDS_LINSPACE: Floats = np.linspace(0, 1, OVERLAP_STEPS)
PIXEL_THRESHOLDS: Floats = np.arange(ERROR_STEPS, dtype=np.float64)
NORMALISED_THRESHOLDS: Floats = np.arange(ERROR_STEPS) / 100.0
NORMALISED_THRESHOLDS_LINSPACE: Floats = np.linspace(0, 0.5, ERROR_STEPS)


def counts_above(
    values: Floats, sequence: NDArray[np.int64], count: int, thresholds: Floats
) -> Floats:
    """Count, for each sequence and threshold, the frames whose value is strictly greater.

    Args:
        values: (T,) of all frames of all sequences; NaN counts as below.
        sequence: (T,) which sequence each frame belongs to.
        count: S, number of sequences.
        thresholds: (K,) rising.

    Returns:
        (S, K).
    """
    steps = len(thresholds)
    passed = np.searchsorted(thresholds, values, side="left")
    passed = np.where(np.isnan(values), 0, passed)
    table = np.bincount(sequence * (steps + 1) + passed, minlength=count * (steps + 1))
    table = table.reshape(count, steps + 1)
    # A value that passes m thresholds passes the first m.
    return np.asarray(table[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], dtype=np.float64)


def counts_within(
    values: Floats, sequence: NDArray[np.int64], count: int, thresholds: Floats
) -> Floats:
    """Count, for each sequence and threshold, the frames whose value is at most it: (S, K)."""
    steps = len(thresholds)
    first = np.searchsorted(thresholds, values, side="left")
    first = np.where(np.isnan(values), steps, first)
    table = np.bincount(sequence * (steps + 1) + first, minlength=count * (steps + 1))
    return np.asarray(table.reshape(count, steps + 1)[:, :steps].cumsum(axis=1), dtype=np.float64)
