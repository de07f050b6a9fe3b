"""Sprites that need no download: plain shapes and patches cut from photographs."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from vl_track.scenes.appearance import SIDE

Outline = Callable[[], NDArray[np.float32]]
SHAPES = (
    "circle",
    "square",
    "triangle",
    "star",
    "diamond",
    "ring",
    "cross",
    "heart",
    "arrow",
    "crescent",
)
_OVERSAMPLE = 4


def draw_shape(name: str) -> NDArray[np.uint8]:
    """Return RGBA (SIDE, SIDE, 4) of one of :data:`SHAPES`, grey, softly shaded.

    Raises:
        KeyError: no such shape.
    """
    side = SIDE * _OVERSAMPLE
    mask = np.zeros((side, side), dtype=np.uint8)
    _DRAW[name](mask, side)
    alpha = cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    # A gentle slope of light keeps a rotating circle from being one flat colour.
    light = np.linspace(225, 150, SIDE, dtype=np.float32)
    grey = np.repeat(light[:, None], SIDE, axis=1).astype(np.uint8)
    return np.dstack([grey, grey, grey, alpha])


def cut_patch(photograph: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Cut a random rounded patch out of a photograph (H, W, 3): RGBA (SIDE, SIDE, 4)."""
    height, width = photograph.shape[:2]
    side = int(min(height, width) * generator.uniform(0.12, 0.45))
    top = int(generator.integers(height - side + 1))
    left = int(generator.integers(width - side + 1))
    patch = cv2.resize(
        photograph[top : top + side, left : left + side],
        (SIDE, SIDE),
        interpolation=cv2.INTER_AREA,
    )
    return np.dstack([patch, _rounded(generator)])


def _rounded(generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return the alpha of a random smooth outline: boxes, ellipses and everything between."""
    power = generator.choice([2.0, 4.0, 12.0])
    aspect = np.exp(generator.uniform(-0.6, 0.6))
    reach_x, reach_y = min(1.0, aspect), min(1.0, 1 / aspect)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / (SIDE - 1) * 2 - 1
    angle = np.arctan2(y, x)
    wave = 1 - 0.12 * generator.uniform() * (1 + np.sin(3 * angle + generator.uniform(0, 6)))
    radius = (np.abs(x / reach_x) ** power + np.abs(y / reach_y) ** power) ** (1 / power)
    alpha = np.clip((wave - radius) * SIDE / 4, 0, 1) * 255
    return np.asarray(alpha).astype(np.uint8)


def _polygon(mask: NDArray[np.uint8], side: int, points: list[tuple[float, float]]) -> None:
    corners = (np.array(points, dtype=np.float32) * side).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255)


def _circle(mask: NDArray[np.uint8], side: int) -> None:
    cv2.circle(mask, (side // 2, side // 2), int(side * 0.47), 255, -1)


def _ring(mask: NDArray[np.uint8], side: int) -> None:
    _circle(mask, side)
    cv2.circle(mask, (side // 2, side // 2), int(side * 0.24), 0, -1)


def _crescent(mask: NDArray[np.uint8], side: int) -> None:
    _circle(mask, side)
    cv2.circle(mask, (int(side * 0.68), int(side * 0.42)), int(side * 0.36), 0, -1)


def _star(mask: NDArray[np.uint8], side: int) -> None:
    turns = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2 == 0, 0.48, 0.2)
    points = [(0.5 + r * np.cos(a), 0.5 + r * np.sin(a)) for a, r in zip(turns, reach, strict=True)]
    _polygon(mask, side, points)


def _heart(mask: NDArray[np.uint8], side: int) -> None:
    turn = np.linspace(0, 2 * np.pi, 120)
    x = 16 * np.sin(turn) ** 3
    y = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
    points = [(0.5 + a / 35, 0.46 - b / 35) for a, b in zip(x, y, strict=True)]
    _polygon(mask, side, points)


def _from_points(*points: tuple[float, float]) -> Callable[[NDArray[np.uint8], int], None]:
    return lambda mask, side: _polygon(mask, side, list(points))


_DRAW: dict[str, Callable[[NDArray[np.uint8], int], None]] = {
    "circle": _circle,
    "ring": _ring,
    "crescent": _crescent,
    "star": _star,
    "heart": _heart,
    "square": _from_points((0.06, 0.06), (0.94, 0.06), (0.94, 0.94), (0.06, 0.94)),
    "triangle": _from_points((0.5, 0.04), (0.97, 0.92), (0.03, 0.92)),
    "diamond": _from_points((0.5, 0.02), (0.86, 0.5), (0.5, 0.98), (0.14, 0.5)),
    "cross": _from_points(
        (0.35, 0.03), (0.65, 0.03), (0.65, 0.35), (0.97, 0.35), (0.97, 0.65), (0.65, 0.65),
        (0.65, 0.97), (0.35, 0.97), (0.35, 0.65), (0.03, 0.65), (0.03, 0.35), (0.35, 0.35),
    ),
    "arrow": _from_points(
        (0.03, 0.36), (0.52, 0.36), (0.52, 0.1), (0.97, 0.5), (0.52, 0.9), (0.52, 0.64),
        (0.03, 0.64),
    ),
}  # fmt: skip
