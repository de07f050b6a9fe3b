"""Shifts of a picture, and what several classifiers say of it; without any page."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from dropout_ft.loading import LoadedClassifier
from holdfast.errors import ConfigError

MOST_PIXELS = 40_000_000


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How a picture is changed; the defaults change nothing.

    Attributes:
        blur: standard deviation in percent of the shorter side, in [0, 5].
        noise: standard deviation of Gaussian noise, of 255, in [0, 80].
        contrast: factor, in [0.1, 2].
        turn: degrees anticlockwise, in [-180, 180]; the corners become grey.
        colour: factor of the saturation, in [0, 2]; 0 is grey.
        coarse: shrink to this share of the size and enlarge again, in [0.02, 1].
    """

    blur: float = 0.0
    noise: float = 0.0
    contrast: float = 1.0
    turn: float = 0.0
    colour: float = 1.0
    coarse: float = 1.0

    def of(self, picture: Image.Image) -> Image.Image:
        """Return the changed picture; the noise is the same every time."""
        found = picture
        if self.turn:
            grey = (128, 128, 128)
            found = found.rotate(self.turn, Image.Resampling.BICUBIC, fillcolor=grey)
        if self.coarse < 1:
            small = [max(1, round(side * self.coarse)) for side in found.size]
            found = found.resize((small[0], small[1]), Image.Resampling.BOX)
            found = found.resize(picture.size, Image.Resampling.NEAREST)
        if self.blur:
            radius = self.blur / 100 * min(found.size)
            found = found.filter(ImageFilter.GaussianBlur(radius))
        found = ImageEnhance.Color(found).enhance(self.colour)
        found = ImageEnhance.Contrast(found).enhance(self.contrast)
        if self.noise:
            values = np.asarray(found, dtype=np.float64)
            drawn = np.random.default_rng(0).normal(0, self.noise, values.shape)
            found = Image.fromarray(np.clip(values + drawn, 0, 255).round().astype(np.uint8))
        return found


def answers(
    models: Mapping[str, LoadedClassifier], picture: Image.Image
) -> dict[str, dict[str, float]]:
    """Return every model's probabilities by class.

    Args:
        models: by the name they are shown with.
        picture: of any size.

    Raises:
        ConfigError: the picture is too large.
    """
    if picture.width * picture.height > MOST_PIXELS:
        raise ConfigError(
            f"The picture has {picture.width} x {picture.height} pixels, and "
            f"{MOST_PIXELS // 1_000_000} million are allowed: make it smaller."
        )
    return {name: loaded.classify([picture])[0] for name, loaded in models.items()}
