"""What the first frame's own box says about the boxes a network draws.

A network asked about the first frame, where the box is known, errs: it takes the hand in with the
cup, or draws a walking man twice as wide. The median error over some slightly moved windows is kept
and taken, in part, from the later boxes.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from vl_track.data.geometry import Box, Window

MOVES = ((0.0, 0.0, 1.0), (0.06, 0.0, 1.0), (-0.06, 0.0, 1.0), (0.0, 0.06, 1.0),
         (0.0, -0.06, 1.0), (0.0, 0.0, 0.9), (0.0, 0.0, 1.1))  # fmt: skip
"""Shifts in x and y as shares of the window's side, and factors of the side."""
FARTHEST = 1.0
"""Largest logarithm of a ratio of sides that is believed."""


class Correction(NamedTuple):
    """How given boxes differ from found ones.

    Attributes:
        x: shift of the centre, in widths of the found box.
        y: likewise, in heights.
        width: logarithm of the given width over the found one.
        height: likewise.
    """

    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


def moved_windows(window: Window) -> list[Window]:
    """Return a window, and others a little beside it, smaller and larger, in whole pixels."""
    centre = window.left + window.side / 2, window.top + window.side / 2
    moved = []
    for x, y, factor in MOVES:
        side = round(window.side * factor)
        left, top = (
            round(middle + shift * window.side - side / 2)
            for middle, shift in zip(centre, (x, y), strict=True)
        )
        moved.append(Window(left, top, float(side)))
    return moved


def correction_of(given: Box, found: Sequence[Box]) -> Correction:
    """Return the median difference between a given box and those found for it.

    Args:
        given: x, y, width, height in pixels.
        found: several answers, in pixels.
    """
    x, y, width, height = given
    rows = [
        (
            (x + width / 2 - one[0] - one[2] / 2) / max(one[2], 1e-6),
            (y + height / 2 - one[1] - one[3] / 2) / max(one[3], 1e-6),
            _ratio(width, one[2]),
            _ratio(height, one[3]),
        )
        for one in found
    ]
    return Correction(*(median(column) for column in zip(*rows, strict=True)))


def corrected(box: Box, correction: Correction, weight: float) -> Box:
    """Return a box with part of the correction applied.

    Args:
        box: found, in pixels.
        correction: of the first frame.
        weight: share of it, in [0, 1].
    """
    x, y, width, height = box
    centre_x = x + width / 2 + weight * correction.x * width
    centre_y = y + height / 2 + weight * correction.y * height
    width *= math.exp(weight * correction.width)
    height *= math.exp(weight * correction.height)
    return centre_x - width / 2, centre_y - height / 2, width, height


def _ratio(given: float, found: float) -> float:
    return min(FARTHEST, max(-FARTHEST, math.log(max(given, 1e-6) / max(found, 1e-6))))
