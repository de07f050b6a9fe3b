"""The colours inside a box: what the object looked like, for finding it elsewhere in the frame.

A network's score and its match with the template say which place of a window looks most like the
object, and they say it of a wrong place, too. Colours are cheap and independent of both.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from vl_track.video.frames import Image

SIDE = 12
"""Pixels on a side of the picture whose colours are counted."""
LEVELS = 4
"""Of each of red, green and blue."""


def colours_of(crop: Image, box: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of each colour in a box.

    Args:
        crop: RGB uint8 (S, S, 3).
        box: (4,), centre x, centre y, width, height as fractions of the crop.

    Returns:
        (64,), summing to 1; of one pixel at least, where the box has no area in the crop.
    """
    size = np.array(crop.shape[1::-1])
    low = np.clip(np.rint((box[:2] - box[2:] / 2) * size), 0, size - 1).astype(int)
    high = np.clip(np.rint((box[:2] + box[2:] / 2) * size), low + 1, size).astype(int)
    inside = np.ascontiguousarray(crop[low[1] : high[1], low[0] : high[0]])
    small = cv2.resize(inside, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    levels = small.reshape(-1, 3).astype(np.int64) * LEVELS // 256
    places = levels @ np.array([LEVELS**2, LEVELS, 1])
    shares: NDArray[np.float64] = np.bincount(places, minlength=LEVELS**3) / len(places)
    return shares


def likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how alike two distributions of colours are, in [0, 1] (Bhattacharyya's measure)."""
    return float(np.sqrt(one * other).sum())
