"""Boxes, scores and texts drawn on images."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vl_track.video.frames import Box, Image

if TYPE_CHECKING:
    from PIL import ImageFont

Colour = tuple[int, int, int]
GREY = (150, 150, 150)
COLOURS: tuple[Colour, ...] = (
    (40, 220, 60), (255, 150, 30), (60, 160, 255), (250, 80, 160), (250, 230, 50), (150, 110, 255),
    (40, 230, 220), (230, 60, 50),
)  # fmt: skip
"""RGB of the objects of a run, in their order; they come again after the last."""


def draw_estimate(
    image: Image, box: Box, score: float | str, text: str, *, sure: bool = True, index: int = 0
) -> Image:
    """Return a copy of an image with a box, its score and a text.

    Args:
        image: RGB uint8 (H, W, 3).
        box: x, y, w, h in pixels.
        score: or words in its place.
        text: written at the lower edge, objects above each other; may be empty.
        sure: an estimate that is not sure is grey.
        index: of the object, which decides the colour.
    """
    drawn = image.copy()
    height, width = drawn.shape[:2]
    thick = max(1, round(min(height, width) / 200))
    size = max(0.35, min(height, width) / 700)
    own = COLOURS[index % len(COLOURS)]
    colour = own if sure else GREY
    x, y, w, h = (round(value) for value in box)
    cv2.rectangle(drawn, (x, y), (x + w, y + h), colour, thick)
    words = score if isinstance(score, str) else f"{score:.2f}"
    _label(drawn, words, (x, max(y - 4, round(22 * size))), size, colour)
    if text:
        _label(drawn, text, (6, height - 8 - round(34 * size) * index), size,
               own if index else (255, 255, 255))  # fmt: skip
    return drawn


def _label(image: Image, words: str, corner: tuple[int, int], size: float, colour: Colour) -> None:
    """Write with a dark outline, readable on any ground; OpenCV's own font knows ASCII only.

    What would reach over the right edge begins further left, and is cut where even that is not
    enough.
    """
    ascii_only = words.isascii()
    width_of = _width_in_opencv(size) if ascii_only else _font(size).getlength
    room = image.shape[1] - 2
    while len(words) > 4 and width_of(words) > room:
        words = words[:-4].rstrip() + "..."
    left = max(2, min(corner[0], int(image.shape[1] - 2 - width_of(words))))
    if not ascii_only:
        _label_in_any_script(image, words, (left, corner[1]), size, colour)
        return
    # OpenCV 5 makes thicker letters wider too, so that a thicker outline would lie beside them.
    for right, down in ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)):
        _write(image, words, (left + right, corner[1] + down), size, (0, 0, 0))
    _write(image, words, (left, corner[1]), size, colour)


def _write(image: Image, words: str, corner: tuple[int, int], size: float, colour: Colour) -> None:
    cv2.putText(image, words, corner, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def _width_in_opencv(size: float) -> Callable[[str], float]:
    return lambda words: cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0]


def _font(size: float) -> "ImageFont.FreeTypeFont":
    """Return DejaVu Sans, which comes with matplotlib."""
    import matplotlib as mpl  # noqa: PLC0415  (slow to import, and seldom needed)
    from PIL import ImageFont  # noqa: PLC0415

    return ImageFont.truetype(
        str(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), max(8, round(26 * size))
    )


def _label_in_any_script(
    image: Image, words: str, corner: tuple[int, int], size: float, colour: Colour
) -> None:
    from PIL import Image as Pillow  # noqa: PLC0415  (slow to import, and seldom needed)
    from PIL import ImageDraw  # noqa: PLC0415

    drawn = Pillow.fromarray(image)
    ImageDraw.Draw(drawn).text(
        corner, words, fill=colour, font=_font(size), anchor="ls",
        stroke_width=1, stroke_fill=(0, 0, 0),
    )  # fmt: skip
    image[:] = np.asarray(drawn)
