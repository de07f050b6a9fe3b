"""ImageNet-C's weather: snow, frost, fog and spatter.

After the definitions of Hendrycks & Dietterich 2019 (docs/references.md) and the constants of the
published benchmark. Frost lays photographs of frost over the image; they are the user's, because
the benchmark's have no licence of their own.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.distortions import along_line, centre_zoomed, smoothed

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
WATER = np.array([175, 238, 238]) / 255
MUD = np.array([63, 42, 20]) / 255


def snow(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Whiten (H, W, 3) in [0, 1] and let flakes fall over it, drawn out by the wind."""
    mean, spread, zoom, least, radius, sigma, kept = (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7), (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    )[severity - 1]  # fmt: skip
    flakes = centre_zoomed(generator.normal(mean, spread, x.shape[:2]), zoom)
    flakes = np.clip(np.where(flakes < least, 0, flakes), 0, 1)
    layer = along_line(flakes, int(radius), sigma, generator.uniform(-135, -45))
    layer = (np.round(layer * 255) / 255)[..., None]
    grey = cv2.cvtColor(x.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
    pale = kept * x + (1 - kept) * np.maximum(x, grey * 1.5 + 0.5)
    return np.asarray(pale + layer + np.rot90(layer, k=2))


def fog(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Add a cloud of :func:`plasma` and dim what is seen through it."""
    amount, decay = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))[severity - 1]
    height, width = x.shape[:2]
    side = 1 << (max(height, width) - 1).bit_length()
    cloud = plasma(side, decay, generator)[:height, :width, None]
    top = x.max()
    return np.asarray((x + amount * cloud) * top / (top + amount))


def plasma(side: int, decay: float, generator: np.random.Generator) -> Floats:
    """Return a (side, side) height map in [0, 1] by the diamond-square algorithm, wrapped around.

    Args:
        side: a power of two.
        decay: by which the random part of a height falls from one grid to the next finer one.
        generator: of the random parts.
    """
    heights = np.zeros((side, side))
    step, wobble = side, 100.0

    def near(total: Floats) -> Floats:
        return np.asarray(total / 4 + wobble * generator.uniform(-1, 1, total.shape))

    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        across = corners + np.roll(corners, -1, axis=0)
        heights[half::step, half::step] = near(across + np.roll(across, -1, axis=1))
        middles = heights[half::step, half::step]
        beside = middles + np.roll(middles, 1, axis=0)
        heights[::step, half::step] = near(beside + corners + np.roll(corners, -1, axis=1))
        beside = middles + np.roll(middles, 1, axis=1)
        heights[half::step, ::step] = near(beside + corners + np.roll(corners, -1, axis=0))
        step, wobble = half, wobble / decay
    heights -= heights.min()
    top = heights.max()
    return np.asarray(heights / top if top else heights)


def spatter(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Throw drops of water (severities 1 to 3) or mud (4 and 5) at the lens."""
    mean, spread, sigma, least, strength = (
        (0.65, 0.3, 4, 0.69, 0.6), (0.65, 0.3, 3, 0.68, 0.6), (0.65, 0.3, 2, 0.68, 0.5),
        (0.65, 0.3, 1, 0.65, 1.5), (0.67, 0.4, 1, 0.65, 1.5),
    )[severity - 1]  # fmt: skip
    liquid = smoothed(generator.normal(mean, spread, x.shape[:2]), sigma)
    liquid = np.where(liquid < least, 0, liquid)
    if severity <= 3:
        return np.asarray(x + strength * _drops(liquid)[..., None] * WATER)
    cover = smoothed((liquid > least).astype(np.float64), strength)
    cover = np.where(cover < 0.8, 0, cover)[..., None]
    return np.asarray(x * (1 - cover) + cover * MUD)


def _drops(liquid: Floats) -> Floats:
    """Return how bright the water (H, W) is, in [0, 1]: light falls on the rims of its drops."""
    levels = np.clip(liquid * 255, 0, 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(levels, 50, 150), cv2.DIST_L2, 5)
    rims = cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8)
    light = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], dtype=np.float64)
    relief = cv2.blur(cv2.filter2D(cv2.equalizeHist(rims), cv2.CV_8U, light), (3, 3))
    bright = levels.astype(np.float64) * relief
    top = bright.max()
    return np.asarray(bright / top if top else bright)


def frost_of(
    pictures: Sequence[Pixels],
) -> Callable[[Floats, int, np.random.Generator], Floats]:
    """Return the corruption that lays one of some pictures of frost over an image.

    Args:
        pictures: (H, W, 3) uint8 RGB, of any size; smaller ones than the image are enlarged.
    """

    def frost(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
        kept, amount = ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))[severity - 1]
        chosen = pictures[int(generator.integers(len(pictures)))]
        height, width = x.shape[:2]
        scale = max(1.0, height / chosen.shape[0], width / chosen.shape[1])
        if scale > 1:
            size = (int(np.ceil(chosen.shape[1] * scale)), int(np.ceil(chosen.shape[0] * scale)))
            chosen = np.asarray(cv2.resize(chosen, size, interpolation=cv2.INTER_CUBIC))
        top = int(generator.integers(chosen.shape[0] - height + 1))
        left = int(generator.integers(chosen.shape[1] - width + 1))
        over = chosen[top : top + height, left : left + width] / 255.0
        return np.asarray(kept * x + amount * over)

    return frost
