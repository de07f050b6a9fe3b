"""What the samplers and the tracker's benchmarks need of an annotated video."""

from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from vl_track.data.geometry import Box, Window
from vl_track.video.frames import Image


@runtime_checkable
class Mentioning(Protocol):
    """A video that can also say where its other objects are."""

    def mentions(self, time: int) -> list[tuple[str, Box]]:
        """Return a sentence and a box for each other object that can be seen well."""


@runtime_checkable
class Video(Protocol):
    """A video with one annotated object and a sentence about it.

    Scenes and every reader of a real data set offer this.
    """

    @property
    def name(self) -> str:
        """Return a name, unique in its data set."""

    @property
    def sentence(self) -> str:
        """Return the sentence; empty if there is none."""

    def __len__(self) -> int:
        """Return the number of frames."""

    def frame(self, time: int) -> Image:
        """Return RGB uint8 (H, W, 3)."""

    def box(self, time: int) -> Box:
        """Return the true box; zeros where there is none."""

    def visible(self, time: int) -> bool:
        """Tell whether the object can be seen."""

    def crop(self, time: int, window: Window, size: int) -> Image:
        """Return a window of a frame, ``size`` pixels square, black outside the frame."""


def crop_frame(frame: Image, window: Window, size: int) -> Image:
    """Cut a window out of a frame and resize it bilinearly.

    Args:
        frame: RGB uint8 (H, W, 3).
        window: parts outside the frame become black.
        size: pixels of the result's side.

    Returns:
        RGB uint8 (size, size, 3).
    """
    height, width = frame.shape[:2]
    left, top, right, bottom = seen_part(window, (width, height))
    if left >= right or top >= bottom:
        return np.zeros((size, size, 3), dtype=np.uint8)
    return crop_part(frame[top:bottom, left:right], (left, top), window, size)


def seen_part(window: Window, frame_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of what a frame (width, height) shows of a window.

    Where it shows nothing, right is not beyond left or bottom not beyond top.
    """
    width, height = frame_size
    left, top, side = _in_pixels(window)
    return max(0, left), max(0, top), min(width, left + side), min(height, top + side)


def crop_part(part: Image, corner: tuple[int, int], window: Window, size: int) -> Image:
    """Return the window from the part of it that the frame shows, as :func:`crop_frame` does.

    Args:
        part: RGB uint8, the frame inside :func:`seen_part`.
        corner: left, top of the part in the frame.
        window: what is cut out.
        size: pixels of the result's side.
    """
    height, width = part.shape[:2]
    left, top, side = _in_pixels(window)
    before, above = corner[0] - left, corner[1] - top
    inside = cv2.copyMakeBorder(
        np.ascontiguousarray(part),
        above,
        side - above - height,
        before,
        side - before - width,
        cv2.BORDER_CONSTANT,
        value=(0, 0, 0),
    )
    crop: Image = cv2.resize(inside, (size, size), interpolation=cv2.INTER_LINEAR)
    return crop


def _in_pixels(window: Window) -> tuple[int, int, int]:
    return round(window.left), round(window.top), max(1, round(window.side))


def crop_shrunk(frame: Image, window: Window, size: int, shrink: int) -> Image:
    """Cut a window of a whole frame out of that frame shrunk by 2, 4 or 8.

    Args:
        frame: RGB uint8, shrunk.
        window: in pixels of the whole frame.
        size: pixels of the result's side.
        shrink: how often smaller the frame is; a pixel is the mean of those it stands for.

    Returns:
        RGB uint8 (size, size, 3), bilinear, black outside the frame.
    """
    scale = window.side / size
    # Pixel i of the result has its middle at left + (i + 0.5) * scale of the whole frame.
    matrix = np.array(
        [
            [scale / shrink, 0, (window.left + 0.5 * scale) / shrink - 0.5],
            [0, scale / shrink, (window.top + 0.5 * scale) / shrink - 0.5],
        ]
    )
    crop: Image = cv2.warpAffine(
        frame, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return crop
