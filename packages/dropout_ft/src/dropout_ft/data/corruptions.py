"""Corruptions of ImageNet-C (Hendrycks & Dietterich 2019) at their five published severities.

All nineteen kinds; frost needs photographs of frost, which the user gives. ``imagecorruptions``
and its maintained fork ``imagecorruptions-imaug`` have them too, but bring a second OpenCV that
replaces ours, and draw from global random states, so that two networks would see unlike images;
tests/dropout_ft/test_corruptions.py compares ours with the fork where it is installed.

The severities were chosen for images of 224 pixels. What is random depends on a seed only, so that
every network sees the same corrupted images.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dropout_ft.data.decoding import EXTENSIONS, read_rgb
from dropout_ft.data.distortions import elastic_transform, glass_blur, motion_blur, zoom_blur
from dropout_ft.data.weather import fog, frost_of, snow, spatter
from holdfast.errors import DataError

SEVERITIES = (1, 2, 3, 4, 5)
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Kind = Callable[[Floats, int, np.random.Generator], Floats]
"""From (H, W, 3) RGB in [0, 1], a severity and a generator to the corrupted image, not clipped."""


def _gaussian_noise(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    return x + generator.normal(size=x.shape, scale=(0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1])


def _shot_noise(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    photons = (60, 25, 12, 5, 3)[severity - 1]
    return np.asarray(generator.poisson(x * photons) / photons)


def _impulse_noise(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Salt and pepper: this fraction of the values is replaced, by 0 or 1 equally often."""
    amount = (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    hit = generator.random(x.shape) < amount
    return np.where(hit, (generator.random(x.shape) < 0.5).astype(np.float64), x)


def _speckle_noise(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    scale = (0.15, 0.2, 0.35, 0.45, 0.6)[severity - 1]
    return x + x * generator.normal(size=x.shape, scale=scale)


def _gaussian_blur(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    sigma = (1, 2, 3, 4, 6)[severity - 1]
    side = 2 * round(4 * sigma) + 1  # four deviations, as in SciPy and scikit-image
    return np.asarray(cv2.GaussianBlur(x, (side, side), sigma, borderType=cv2.BORDER_REPLICATE))


def _defocus_blur(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    radius, alias = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    return np.asarray(cv2.filter2D(x, -1, disk(radius, alias)))


def disk(radius: int, alias: float) -> Floats:
    """Return the kernel of a lens out of focus: a disk with a smoothed edge.

    Its sum is 1 up to a radius of 8; at 10, where the smoothing reaches the border, 1.01, as in the
    published kernels.

    Args:
        radius: in pixels.
        alias: deviation in pixels of the Gaussian that smooths the edge.
    """
    reach, side = (8, 3) if radius <= 8 else (radius, 5)
    line = np.arange(-reach, reach + 1)
    inside = (line[:, None] ** 2 + line[None, :] ** 2 <= radius**2).astype(np.float64)
    smoothed = cv2.GaussianBlur(inside / inside.sum(), (side, side), alias)
    return np.asarray(smoothed, dtype=np.float64)


def _brightness(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    hsv = _to_hsv(x)
    hsv[..., 2] = np.clip(hsv[..., 2] + (0.1, 0.2, 0.3, 0.4, 0.5)[severity - 1], 0, 1)
    return _to_rgb(hsv)


def _saturate(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    factor, offset = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))[severity - 1]
    hsv = _to_hsv(x)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + offset, 0, 1)
    return _to_rgb(hsv)


def _contrast(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    mean = x.mean(axis=(0, 1), keepdims=True)
    return np.asarray((x - mean) * (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1] + mean)


def _pixelate(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    height, width = x.shape[:2]
    factor = (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]
    small = (max(1, int(width * factor)), max(1, int(height * factor)))
    image = _image(x).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.NEAREST)) / 255.0


def _jpeg_compression(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    file = io.BytesIO()
    _image(x).save(file, "JPEG", quality=(25, 18, 15, 10, 7)[severity - 1])
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")) / 255.0


KINDS: dict[str, Kind] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "speckle_noise": _speckle_noise,
    "defocus_blur": _defocus_blur,
    "gaussian_blur": _gaussian_blur,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "zoom_blur": zoom_blur,
    "snow": snow,
    "fog": fog,
    "spatter": spatter,
    "brightness": _brightness,
    "contrast": _contrast,
    "saturate": _saturate,
    "elastic_transform": elastic_transform,
    "pixelate": _pixelate,
    "jpeg_compression": _jpeg_compression,
}


FROST = "frost"
EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The four kinds that the benchmark holds back for validation: no part of its mCE."""


def kinds_with(frost: Sequence[Pixels]) -> dict[str, Kind]:
    """Return the kinds by name, with frost where there are pictures (H, W, 3) of it."""
    return {**KINDS, FROST: frost_of(frost)} if frost else KINDS


def read_frost(folder: str | Path) -> list[Pixels]:
    """Read the pictures of frost in a folder.

    Raises:
        DataError: it holds none.
        ImageError: one cannot be read.
    """
    place = Path(folder).expanduser()
    files = sorted(p for p in place.glob("*") if p.suffix.lower() in EXTENSIONS)
    if not files:
        raise DataError(f"{place} holds no pictures of frost ({', '.join(sorted(EXTENSIONS))}).")
    return [np.asarray(read_rgb(file)) for file in files]


def corrupt(
    image: Pixels,
    kind: str,
    severity: int,
    seed: int = 0,
    *,
    kinds: Mapping[str, Kind] = KINDS,
) -> Pixels:
    """Return a corrupted image.

    Args:
        image: (H, W, 3) uint8 RGB.
        kind: one of ``kinds``.
        severity: 1 to 5.
        seed: of what is random; the same gives the same image.
        kinds: of :func:`kinds_with`.
    """
    if severity not in SEVERITIES:
        raise ValueError(f"a severity is 1 to 5, not {severity}")
    found = kinds[kind](image / 255.0, severity, np.random.default_rng(seed))
    # The published code cuts the fraction off, it does not round.
    return np.clip(found * 255 + 1e-6, 0, 255).astype(np.uint8)


def _image(x: Floats) -> Image.Image:
    return Image.fromarray((x * 255).round().astype(np.uint8))


def _to_hsv(x: Floats) -> Floats:
    """Return hue in degrees, saturation and value in [0, 1]."""
    return np.asarray(cv2.cvtColor(x.astype(np.float32), cv2.COLOR_RGB2HSV), dtype=np.float64)


def _to_rgb(hsv: Floats) -> Floats:
    rgb = cv2.cvtColor(hsv.astype(np.float32), cv2.COLOR_HSV2RGB)
    return np.asarray(rgb, dtype=np.float64)
