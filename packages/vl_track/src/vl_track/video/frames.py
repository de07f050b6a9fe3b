"""Images and frames: what every source of video yields."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""RGB uint8 (H, W, 3)."""
Box = tuple[float, float, float, float]
"""x, y, w, h in pixels; x, y is the left upper corner."""
DEFAULT_RATE = 25.0
"""Frames a second of what has no times of its own: folders of images, cameras, lists of images."""


class Frame(NamedTuple):
    """One frame of a source.

    Attributes:
        number: counted from 0 at the beginning of the source.
        time: seconds from the beginning of the source.
        image: RGB uint8 (H, W, 3); ``None`` where the frame cannot be decoded.
    """

    number: int
    time: float
    image: Image | None


def as_frames(images: Iterable[Image | None], rate: float = DEFAULT_RATE) -> Iterator[Frame]:
    """Number images that follow each other at a fixed rate.

    Args:
        images: RGB uint8 (H, W, 3), or ``None`` for one that is damaged.
        rate: frames a second.
    """
    for number, image in enumerate(images):
        yield Frame(number, number / rate, image)


def number_frames(source: Iterable[Frame | Image]) -> Iterator[Frame]:
    """Yield frames as they are, and images numbered at the default rate."""
    for number, one in enumerate(source):
        yield one if isinstance(one, Frame) else Frame(number, number / DEFAULT_RATE, one)
