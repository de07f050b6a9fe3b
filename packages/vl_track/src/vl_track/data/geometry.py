"""Square windows around boxes, and boxes inside windows.

Boxes are x, y, w, h in pixels with x, y the left upper corner's edge; windows are left, top, side.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from vl_track.video import frames

Box = frames.Box
MIN_SIDE = 10.0
"""Crops are never smaller than this many pixels: a zero-size box has no scale."""


class Window(NamedTuple):
    """A square of a frame, in whole pixels; parts of it may lie outside the frame."""

    left: float
    top: float
    side: float


def as_box(values: Iterable[float]) -> Box:
    """Return four numbers as a box."""
    x, y, width, height = (float(value) for value in values)
    return x, y, width, height


def window_around(box: Box, factor: float, least: float = MIN_SIDE) -> Window:
    """Return the window ``factor`` times as large as the box.

    The side is ``ceil(sqrt(w * h) * factor)`` and the corner is rounded to a whole pixel
    (``sample_target`` of OSTrack's ``lib/train/data/processing_utils.py``).

    Args:
        box: x, y, w, h in pixels.
        factor: side of the window over the side of a square of the box's area.
        least: side of the window in pixels.
    """
    x, y, width, height = box
    side = max(least, math.ceil(math.sqrt(max(width, 0) * max(height, 0)) * factor))
    return Window(
        round(x + 0.5 * width - 0.5 * side), round(y + 0.5 * height - 0.5 * side), float(side)
    )


def around_exactly(box: Box, side: float) -> Window:
    """Return the window of that side around the box's centre, not moved to whole pixels."""
    x, y, width, height = box
    return Window(x + 0.5 * width - 0.5 * side, y + 0.5 * height - 0.5 * side, side)


def window_of_frame(frame_size: tuple[int, int]) -> Window:
    """Return the smallest window with the whole frame (width, height) in its middle."""
    width, height = frame_size
    side = max(width, height)
    return Window(-((side - width) // 2), -((side - height) // 2), float(side))


def into_window(box: Box, window: Window) -> Box:
    """Return a frame's box as fractions of the window."""
    x, y, width, height = box
    left, top, side = window
    return (x - left) / side, (y - top) / side, width / side, height / side


def into_release_crop(box: Box, around: Box, side: float, size: int) -> Box:
    """Return a frame's box as fractions of a crop, as the release trains with it.

    The middle of the crop counts as ``(size - 1) / 2``, and the window as if it had not been moved
    to whole pixels (``transform_image_to_crop`` of OSTrack's ``lib/train/data/processing_utils.py``
    and All-in-One's).

    Args:
        box: x, y, w, h in pixels.
        around: the box that the window was cut around.
        side: of the window.
        size: of the crop in pixels.
    """
    x, y, width, height = into_window(box, around_exactly(around, side))
    return x - 0.5 / size, y - 0.5 / size, width, height


def out_of_window(centred: Box, window: Window) -> Box:
    """Return a window's box (centre x, centre y, w, h as fractions) in pixels of the frame."""
    cx, cy, width, height = (value * window.side for value in centred)
    return window.left + cx - width / 2, window.top + cy - height / 2, width, height


def clip_box(
    box: Box, frame_size: tuple[int, int], margin: float = 10.0, least: float | None = None
) -> Box:
    """Keep at least ``margin`` pixels of a box inside the frame.

    Args:
        box: x, y, w, h in pixels.
        frame_size: width, height.
        margin: pixels.
        least: side of the box; by default ``margin``, as in the release (``clip_box`` of OSTrack's
            ``lib/utils/box_ops.py``).
    """
    least = margin if least is None else least
    x0, y0, width, height = box
    x1, y1 = x0 + width, y0 + height
    frame_width, frame_height = frame_size
    x0 = min(max(0.0, x0), frame_width - margin)
    x1 = min(max(margin, x1), float(frame_width))
    y0 = min(max(0.0, y0), frame_height - margin)
    y1 = min(max(margin, y1), float(frame_height))
    return x0, y0, max(least, x1 - x0), max(least, y1 - y0)


def box_iou(one: Box, other: Box) -> float:
    """Return the IoU of two boxes, in [0, 1]."""
    sides = [
        min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) - max(one[axis], other[axis])
        for axis in (0, 1)
    ]
    both = max(0.0, sides[0]) * max(0.0, sides[1])
    return both / max(one[2] * one[3] + other[2] * other[3] - both, 1e-9)


def jitter_box(box: Box, *, scale: float, centre: float, generator: np.random.Generator) -> Box:
    """Move and scale a box at random, as for the search crop (OSTrack's ``processing.py``).

    Args:
        box: the true box.
        scale: standard deviation of the log of each side (paper: 0.25).
        centre: greatest shift of the centre along an axis, in square roots of the jittered box's
            area, halved (paper: 3).
        generator: of random numbers.
    """
    x, y, width, height = box
    new_width = width * math.exp(generator.normal() * scale)
    new_height = height * math.exp(generator.normal() * scale)
    reach = math.sqrt(max(new_width * new_height, 0)) * centre
    cx = x + width / 2 + reach * (generator.uniform() - 0.5)
    cy = y + height / 2 + reach * (generator.uniform() - 0.5)
    return cx - new_width / 2, cy - new_height / 2, new_width, new_height
