"""The prior that the object has not moved far."""

import numpy as np

from vl_track.finding import Floats


def hann_window(grid: int) -> Floats:
    """Return the (grid, grid) Hann window of the release: zero just outside the map.

    ``0.5 * (1 - cos(2 pi k / (grid + 1)))`` for k = 1..grid, as an outer product
    (``hann2d`` of OSTrack's ``lib/test/utils/hann.py``).
    """
    k = np.arange(1, grid + 1)
    line = (0.5 * (1 - np.cos(2 * np.pi * k / (grid + 1)))).astype(np.float32)
    return np.outer(line, line)
