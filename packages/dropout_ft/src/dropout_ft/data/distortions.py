"""ImageNet-C's corruptions that move pixels: glass, motion and zoom blur, elastic transform.

After the definitions of Hendrycks & Dietterich 2019 (docs/references.md) and the constants of the
published benchmark; each for images of any size. Motion blur follows ImageMagick's definition, a
line of half-Gaussian weights, which the benchmark calls.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]
ELASTIC_SIDE = 244
"""Of the benchmark's displacements, which are given for images of 224 pixels; its authors left the
slip as it is."""


def glass_blur(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Scatter pixels among near ones, between two blurs; (H, W, 3) in [0, 1].

    The paper swaps two pixels; the published benchmark's program copies the other one over the
    first, because its swap writes through a view. Ours makes the published images' kind.
    """
    sigma, reach, rounds = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[
        severity - 1
    ]
    blurred = np.floor(smoothed(x, sigma) * 255)
    height, width = x.shape[:2]
    # Where each pixel comes from: plain lists, because every copy depends on those before it.
    order = list(range(height * width))
    rows, columns = range(height - reach, reach, -1), range(width - reach, reach, -1)
    for _ in range(rounds):
        moves = generator.integers(-reach, reach, (len(rows), len(columns), 2)).tolist()
        for row, of_row in zip(rows, moves, strict=True):
            for column, (right, down) in zip(columns, of_row, strict=True):
                order[row * width + column] = order[(row + down) * width + column + right]
    shuffled = blurred.reshape(-1, x.shape[2])[order].reshape(x.shape)
    return smoothed(shuffled / 255, sigma)


def motion_blur(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Blur along a line of a random direction within 45 degrees of the horizontal."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    return along_line(x, radius, sigma, generator.uniform(-45, 45))


def along_line(x: Floats, radius: int, sigma: float, angle: float) -> Floats:
    """Average (H, W) or (H, W, C) over a line that leaves each pixel at an angle.

    The weights are a half-Gaussian over ``2 * radius + 1`` pixels; at the border the outermost
    pixels are repeated.

    Args:
        x: image.
        radius: in pixels.
        sigma: of the Gaussian, in pixels.
        angle: in degrees.
    """
    length = 2 * radius + 1
    distance = np.arange(length)
    weights = np.exp(-(distance**2) / (2 * sigma**2))
    # Half up, so that a line at 45 degrees has no doubled pixels.
    down = np.ceil(distance * np.sin(np.deg2rad(angle)) - 0.5).astype(int)
    right = np.ceil(distance * np.cos(np.deg2rad(angle)) - 0.5).astype(int)
    inside = (np.abs(down) < x.shape[0]) & (np.abs(right) < x.shape[1])
    if not inside.all():
        inside[np.argmin(inside) :] = False
    kernel = np.zeros((2 * length + 1, 2 * length + 1))
    np.add.at(kernel, (length + down[inside], length + right[inside]), weights[inside])
    kernel /= weights.sum()
    return np.asarray(cv2.filter2D(x, -1, kernel, borderType=cv2.BORDER_REPLICATE))


def zoom_blur(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Average the image with enlargements of its centre."""
    most, step = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))[
        severity - 1
    ]
    factors = np.arange(1, most, step)
    total = x + sum(centre_zoomed(x, factor) for factor in factors)
    return np.asarray(total / (len(factors) + 1))


def centre_zoomed(x: Floats, factor: float) -> Floats:
    """Enlarge the centre of (H, W) or (H, W, C) linearly to the same size."""
    sides = [int(np.ceil(side / factor)) for side in x.shape[:2]]
    first = [(side - cut) // 2 for side, cut in zip(x.shape[:2], sides, strict=True)]
    cut = x[first[0] : first[0] + sides[0], first[1] : first[1] + sides[1]]
    large = ndimage.zoom(cut, (factor, factor, *[1] * (x.ndim - 2)), order=1)
    trim = [(have - want) // 2 for have, want in zip(large.shape[:2], x.shape[:2], strict=True)]
    return np.asarray(large[trim[0] : trim[0] + x.shape[0], trim[1] : trim[1] + x.shape[1]])


def elastic_transform(x: Floats, severity: int, generator: np.random.Generator) -> Floats:
    """Tilt the image at random, then displace its pixels by a smooth random field.

    The benchmark's lengths are for 224 pixels; they are scaled to the image's shorter side.
    """
    strength, sigma, tilt = (
        (2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02)
    )[severity - 1]  # fmt: skip
    height, width = x.shape[:2]
    length = ELASTIC_SIDE * min(height, width) / 224
    tilted = _tilted(x, tilt * length, generator)
    field = [
        ndimage.gaussian_filter(
            generator.uniform(-1, 1, (height, width)), sigma * length, mode="reflect", truncate=3
        )
        * (strength * length)
        for _ in range(2)
    ]
    rows, columns = np.mgrid[:height, :width]
    at = (rows + field[1], columns + field[0])
    channels = [
        ndimage.map_coordinates(tilted[..., channel], at, order=1, mode="reflect")
        for channel in range(x.shape[2])
    ]
    return np.stack(channels, axis=-1)


def _tilted(x: Floats, most: float, generator: np.random.Generator) -> Floats:
    """Move three corners of the middle by up to ``most`` pixels, and the image with them."""
    height, width = x.shape[:2]
    centre, third = np.array([height, width]) // 2, min(height, width) // 3
    corners = np.array(
        [centre + third, [centre[0] + third, centre[1] - third], centre - third], dtype=np.float32
    )
    moved = corners + generator.uniform(-most, most, (3, 2)).astype(np.float32)
    matrix = cv2.getAffineTransform(corners, moved)
    return np.asarray(cv2.warpAffine(x, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101))


def smoothed(x: Floats, sigma: float) -> Floats:
    """Blur (H, W) or (H, W, C) by a Gaussian that ends at four deviations, as scikit-image does."""
    side = 2 * round(4 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(x, (side, side), sigma, borderType=cv2.BORDER_REPLICATE))
