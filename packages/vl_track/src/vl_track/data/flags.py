"""Frame by frame flags, and the runs in which they are true."""

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def runs_of(flags: Flags) -> list[tuple[int, int]]:
    """Return the first frame and the frame behind the last one of each run of true flags."""
    edges = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]
