"""JPEG decoding with libjpeg-turbo's own speed: the same pixels as Pillow and OpenCV."""

from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

_START = b"\xff\xd8\xff"
_PLAIN = {"Gray", "YCbCr", "RGB"}
HEADER = 65_536
MOST_PIXELS = 178_956_970
"""Beyond so many Pillow refuses a picture as a decompression bomb; it shall say so."""


def decode_jpeg(content: bytes, *, shrink: int = 1) -> NDArray[np.uint8] | None:
    """Decode a plain JPEG to RGB uint8 (H, W, 3).

    Pillow and OpenCV spend two to six times as long on the same library (docs/performance.md).

    Args:
        content: of the file.
        shrink: 1, 2, 4 or 8: decode at that part of the size, sides rounded up, which costs a
            fraction of the time; each pixel is the mean of those it stands for.

    Returns:
        The picture, or None where it is better left to another decoder: no JPEG, four inks, an EXIF
        header that may ask for a rotation, or damaged.
    """
    size = jpeg_size(content)
    if size is None:
        return None
    height, width = size
    try:
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            content, min_height=-(-height // shrink), min_width=-(-width // shrink)
        )
    except ValueError:
        return None
    return image


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Return height and width from the header, or None where :func:`decode_jpeg` returns None."""
    if not content.startswith(_START) or b"Exif" in content[:HEADER]:
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(content)
    except ValueError:
        return None
    return (height, width) if space in _PLAIN and height * width <= MOST_PIXELS else None


def read_jpeg(path: str | Path, *, shrink: int = 1) -> NDArray[np.uint8] | None:
    """Decode a file as :func:`decode_jpeg`; None also where it cannot be read."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return None
    return decode_jpeg(content, shrink=shrink)


def shrinking(side: float, least: float) -> int:
    """Return the greatest of 1, 2, 4, 8 by which a side stays at least ``least``."""
    return max(factor for factor in (1, 2, 4, 8) if factor == 1 or side >= factor * least)
