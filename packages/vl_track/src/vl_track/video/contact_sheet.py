"""Many frames on one image."""

from collections.abc import Sequence

import cv2
import numpy as np

from vl_track.video.frames import Image

GAP = 4


def contact_sheet(frames: Sequence[Image], *, columns: int, width: int) -> Image:
    """Arrange frames row by row on white.

    Args:
        frames: RGB uint8, of any sizes.
        columns: frames in a row.
        width: pixels of each frame; heights follow the first frame's shape.

    Returns:
        RGB uint8.

    Raises:
        ValueError: there are no frames.
    """
    if not frames:
        raise ValueError("a contact sheet needs frames")
    height = round(width * frames[0].shape[0] / frames[0].shape[1])
    rows = -(-len(frames) // columns)
    sheet = np.full(
        (rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, dtype=np.uint8
    )
    for index, frame in enumerate(frames):
        top = GAP + index // columns * (height + GAP)
        left = GAP + index % columns * (width + GAP)
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        sheet[top : top + height, left : left + width] = small
    return sheet
