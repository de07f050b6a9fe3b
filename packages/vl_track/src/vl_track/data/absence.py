"""Search windows that do not show the object: where it has gone, and beside it."""

from typing import NamedTuple

import numpy as np

from vl_track.data.geometry import Box, Window
from vl_track.data.video import Video

NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)
TRIES = 8


class Absence(NamedTuple):
    """Where to look for an object that is not there.

    Attributes:
        time: frame number.
        near: box around which the search window is laid.
        seen: the object's box where it is seen elsewhere in the frame; ``None`` where it is gone.
    """

    time: int
    near: Box
    seen: Box | None


def find_absence(
    video: Video, first: int, search_factor: float, generator: np.random.Generator
) -> Absence | None:
    """Return a frame and a place without the object, or ``None`` where none is found.

    Args:
        video: the source.
        first: the template's frame; the absence comes after it.
        search_factor: side of the search window over the object's side.
        generator: of random numbers.
    """
    gone = unseen_time(video, first, generator)
    if gone is not None:
        last = gone - 1
        while last > first and not video.visible(last):
            last -= 1
        return Absence(gone, video.box(last), None)
    for _ in range(TRIES):
        time = int(generator.integers(first, len(video)))
        box = video.box(time)
        if not video.visible(time):
            continue
        reach = search_factor * np.sqrt(box[2] * box[3])
        x, y = (
            start + generator.choice([-1, 1]) * generator.uniform(0.4, 1.2) * reach
            for start in box[:2]
        )
        return Absence(time, (float(x), float(y), box[2], box[3]), box)
    return None


def unseen_time(video: Video, first: int, generator: np.random.Generator) -> int | None:
    """Return a frame after ``first`` that does not show the object; ``None`` if none was met."""
    if len(video) < first + 2:
        return None
    for time in generator.integers(first + 1, len(video), TRIES):
        if not video.visible(int(time)):
            return int(time)
    return None


def overlap(box: Box, window: Window) -> float:
    """Return the share of a box that lies in a window, in [0, 1]."""
    inside = [
        max(0.0, min(start + length, edge + window.side) - max(start, edge))
        for start, length, edge in zip(box[:2], box[2:], window[:2], strict=True)
    ]
    return inside[0] * inside[1] / max(box[2] * box[3], 1e-9)
