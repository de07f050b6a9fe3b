"""What an object of a scene looks like, in words and as an RGBA sprite."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Texture = Literal["plain", "striped", "dotted", "checked"]
TEXTURES: tuple[Texture, ...] = ("plain", "striped", "dotted", "checked")
# Named colours far apart from each other, RGB.
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 30, 35),
    "orange": (245, 135, 25),
    "yellow": (245, 220, 45),
    "green": (50, 155, 60),
    "blue": (35, 85, 205),
    "purple": (135, 50, 175),
    "pink": (250, 130, 185),
    "white": (245, 245, 245),
    "black": (35, 35, 38),
    "brown": (120, 75, 40),
}
SIDE = 96
"""Pixels of a sprite's side."""


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """The words that are true of an object's looks.

    Attributes:
        source: which drawing, shape or photograph patch it is; two objects of one source differ
            only in what follows.
        class_name: the noun of a sentence about it.
        colour: a key of :data:`COLOURS`, or ``None`` for its natural colours.
        texture: the pattern over it.
        natural: it has the colour by itself, and is not dyed.
    """

    source: str
    class_name: str
    colour: str | None
    texture: Texture
    natural: bool = False


def dress(base: NDArray[np.uint8], appearance: Appearance) -> NDArray[np.uint8]:
    """Give a drawing the colour and the texture of an appearance.

    Args:
        base: RGBA (S, S, 4), straight alpha.
        appearance: the wanted looks.

    Returns:
        RGBA (S, S, 4), colours multiplied by alpha, as the renderer wants them.
    """
    colours = base[..., :3].astype(np.float32)
    if appearance.colour is not None and not appearance.natural:
        colours = _tint(colours, COLOURS[appearance.colour])
    if appearance.texture != "plain":
        colours = _pattern(colours, appearance.texture)
    alpha = base[..., 3:].astype(np.float32)
    dressed = np.concatenate([colours * alpha / 255, alpha], axis=2)
    return dressed.round().astype(np.uint8)


def _tint(colours: NDArray[np.float32], colour: tuple[int, int, int]) -> NDArray[np.float32]:
    """Replace the hue and keep the drawing: shade by luminance around its own middle."""
    luminance = colours @ np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255
    shade = 0.45 + 0.75 * luminance[..., None]
    return np.clip(np.array(colour, dtype=np.float32) * shade, 0, 255)


def _pattern(colours: NDArray[np.float32], texture: Texture) -> NDArray[np.float32]:
    """Draw stripes, dots or checks in a contrasting tone."""
    side = colours.shape[0]
    y, x = np.mgrid[:side, :side].astype(np.float32) / side * 8
    if texture == "striped":
        mark = (x + 0.5 * y) % 2 < 1
    elif texture == "dotted":
        mark = (x % 2 - 1) ** 2 + (y % 2 - 1) ** 2 < 0.3
    else:
        mark = ((x // 1).astype(int) + (y // 1).astype(int)) % 2 == 0
    bright = colours.mean(axis=2, keepdims=True) > 150
    contrast = np.where(bright, colours * 0.35, 255 - 0.35 * (255 - colours))
    return np.where(mark[..., None], contrast, colours).astype(np.float32)


def solid_points(sprite: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the centres (N, 2) of all pixels of a sprite that are more solid than not."""
    rows, columns = np.nonzero(sprite[..., 3] > 127)
    return np.stack([columns, rows], axis=1).astype(np.float32) + np.float32(0.5)


def silhouette(sprite: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the convex outline (N, 2) of a sprite, in pixel-edge coordinates of its array.

    The axis-parallel box of an affine image of this outline is the box of the sprite's image.
    """
    solid = (sprite[..., 3] > 127).astype(np.uint8)
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((0, 2), dtype=np.float32)
    corners = np.concatenate(contours)[:, 0, :].astype(np.float32)
    # A pixel covers [x, x+1): all four of its corners belong to the outline.
    offsets = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    spread = (corners[:, None] + offsets).reshape(-1, 2)
    hull: NDArray[np.float32] = cv2.convexHull(spread)[:, 0, :].astype(np.float32)
    return hull
