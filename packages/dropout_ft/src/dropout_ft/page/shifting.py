"""Shifts of a picture, and what several classifiers say of it; without any page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from dropout_ft.data.decoding import FORMATS, as_image, check_size, decode_picture
from dropout_ft.loading import LoadedClassifier
from holdfast.errors import ImageError

MOST_PIXELS = 40_000_000
"""Of an uploaded picture."""
ROWS = 256
"""Rows of pixels that are given noise at a time."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How a picture is changed; the defaults change nothing.

    Attributes:
        blur: standard deviation in percent of the shorter side, in [0, 5].
        noise: standard deviation of Gaussian noise, of 255, in [0, 80].
        contrast: factor, in [0.1, 2].
        rotation: degrees anticlockwise, in [-180, 180]; the corners become grey.
        colour: factor of the saturation, in [0, 2]; 0 is grey.
        downsample: shrink to this share of the size and enlarge again, in [0.02, 1].
    """

    blur: float = 0.0
    noise: float = 0.0
    contrast: float = 1.0
    rotation: float = 0.0
    colour: float = 1.0
    downsample: float = 1.0

    def of(self, image: Image.Image) -> Image.Image:
        """Return the changed picture; the noise is the same every time."""
        found = image
        if self.rotation:
            grey = (128, 128, 128)
            found = found.rotate(self.rotation, Image.Resampling.BICUBIC, fillcolor=grey)
        if self.downsample < 1:
            small = [max(1, round(side * self.downsample)) for side in found.size]
            found = found.resize((small[0], small[1]), Image.Resampling.BOX)
            found = found.resize(image.size, Image.Resampling.NEAREST)
        if self.blur:
            radius = self.blur / 100 * min(found.size)
            found = found.filter(ImageFilter.GaussianBlur(radius))
        found = ImageEnhance.Color(found).enhance(self.colour)
        found = ImageEnhance.Contrast(found).enhance(self.contrast)
        return _with_noise(found, self.noise) if self.noise else found


def _with_noise(image: Image.Image, deviation: float) -> Image.Image:
    """Add Gaussian noise, some rows at a time: memory does not grow with the picture."""
    values = np.array(image)
    generator = np.random.default_rng(0)
    for top in range(0, len(values), ROWS):
        part = values[top : top + ROWS]
        drawn = generator.standard_normal(part.shape, dtype=np.float32) * np.float32(deviation)
        values[top : top + ROWS] = np.clip(part + drawn, 0, 255).round().astype(np.uint8)
    return Image.fromarray(values)


def read_upload(path: Path, name: str, *, exif_rotation: bool = False) -> Image.Image:
    """Read an uploaded picture; its size is checked before its pixels are decoded.

    Args:
        path: of the file.
        name: the visitor's, for messages.
        exif_rotation: turn it as its EXIF header says.

    Raises:
        ImageError: it is too large, damaged, or no picture; the message has no server's path.
    """
    check_picture(path, name)
    try:
        return as_image(decode_picture(path.read_bytes(), name, exif_rotation=exif_rotation))
    except ImageError as error:
        raise ImageError(f"{name} is damaged: try another picture.") from error


def check_picture(path: Path, name: str) -> None:
    """Look at a picture's header.

    Raises:
        ImageError: it is too large, or no picture.
    """
    try:
        with Image.open(path, formats=FORMATS) as header:
            check_size(header.size, name, MOST_PIXELS)
    except Image.DecompressionBombError as error:
        raise ImageError(f"The picture {name} is too large: make it smaller.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{name} is no picture that can be read: try another file.") from error


def answers(
    models: Mapping[str, LoadedClassifier], image: Image.Image
) -> dict[str, dict[str, float]]:
    """Return every model's probabilities by class.

    Args:
        models: by the name they are shown with.
        image: of any size.

    Raises:
        ImageError: the picture is too large.
    """
    check_size(image.size, "", MOST_PIXELS)
    return {name: loaded.classify([image])[0] for name, loaded in models.items()}
