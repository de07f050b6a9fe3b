"""Windows that cover a frame, for finding an object that was lost or was only described."""

import math

from vl_track.data.geometry import Window

MAX_WINDOWS = 30


def cover(frame_size: tuple[int, int], side: float) -> list[Window]:
    """Return overlapping windows that cover a frame, about half a side apart.

    Args:
        frame_size: width, height in pixels.
        side: of each window; made larger where more than 30 would be needed.
    """
    while True:
        columns = _starts(frame_size[0], side)
        rows = _starts(frame_size[1], side)
        if len(columns) * len(rows) <= MAX_WINDOWS:
            return [Window(x, y, round(side)) for y in rows for x in columns]
        side *= 1.25


def _starts(length: int, side: float) -> list[float]:
    """Return left edges of windows over one axis; a longer window is centred."""
    if side >= length:
        return [round((length - side) / 2)]
    count = math.ceil((length - side) / (side / 2)) + 1
    step = (length - side) / (count - 1)
    return [round(step * index) for index in range(count)]
