"""How a decoded image is turned and mirrored for display."""

from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

from vl_track.video.frames import Image

Turn = tuple[float, float, float, float]
"""a, b, c, d of a display matrix: x' = a x + c y, y' = b x + d y (FFmpeg's libavutil/display.h)."""


def display_matrix(frame: "av.VideoFrame") -> Turn | None:
    """Return a frame's display matrix without its translation; ``None`` if there is none."""
    side_data: Any = frame.side_data  # its own annotation is wrong
    try:
        matrix = side_data[Type.DISPLAYMATRIX]
    except KeyError:
        return None
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    return a, b, c, d


def upright(image: Image, turn: Turn | None) -> Image:
    """Turn and mirror a decoded image as players do.

    A mirrored matrix is no rotation: FFmpeg's angle of one is 180 degrees, which would turn the
    image upside down.

    Args:
        image: (H, W, 3) as stored.
        turn: of :func:`display_matrix`; only its right angles and mirrorings count.
    """
    if turn is None:
        return image
    a, b, c, d = turn
    if abs(b) + abs(c) > abs(a) + abs(d):
        rows, columns, image = b, c, image.transpose(1, 0, 2)
    else:
        rows, columns = d, a
    if rows < 0:
        image = image[::-1]
    if columns < 0:
        image = image[:, ::-1]
    return np.ascontiguousarray(image)
