"""Boxes, scores and texts drawn on images."""

from pathlib import Path

import cv2
import numpy as np

from vl_track.video.frames import Box, Image

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
        room = max(8, int(width / (11 * size)))
        shown = text if len(text) <= room else text[: room - 3] + "..."
        _label(drawn, shown, (6, height - 8 - round(34 * size) * index), size,
               own if index else (255, 255, 255))  # fmt: skip
    return drawn


def _label(image: Image, words: str, corner: tuple[int, int], size: float, colour: Colour) -> None:
    """Write with a dark outline, readable on any ground; OpenCV's own font knows ASCII only."""
    if not words.isascii():
        _label_in_any_script(image, words, corner, size, colour)
        return
    for shade, width in (((0, 0, 0), 3), (colour, 1)):
        cv2.putText(image, words, corner, cv2.FONT_HERSHEY_SIMPLEX, size, shade, width, cv2.LINE_AA)


def _label_in_any_script(
    image: Image, words: str, corner: tuple[int, int], size: float, colour: Colour
) -> None:
    """Write with DejaVu Sans, which comes with matplotlib."""
    import matplotlib as mpl  # noqa: PLC0415  (slow to import, and seldom needed)
    from PIL import Image as Pillow  # noqa: PLC0415
    from PIL import ImageDraw, ImageFont  # noqa: PLC0415

    font = ImageFont.truetype(
        str(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), max(8, round(26 * size))
    )
    drawn = Pillow.fromarray(image)
    ImageDraw.Draw(drawn).text(
        corner, words, fill=colour, font=font, anchor="ls", stroke_width=1, stroke_fill=(0, 0, 0)
    )
    image[:] = np.asarray(drawn)
