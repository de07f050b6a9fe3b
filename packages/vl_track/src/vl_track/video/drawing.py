"""Boxes, scores and texts drawn on images."""

import cv2

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
    """Write with a dark outline, readable on any ground."""
    for shade, width in (((0, 0, 0), 3), (colour, 1)):
        cv2.putText(image, words, corner, cv2.FONT_HERSHEY_SIMPLEX, size, shade, width, cv2.LINE_AA)
