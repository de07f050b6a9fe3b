"""One thing in a scene: its looks, its path, its place in the picture at any time."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from vl_track.scenes.appearance import SIDE, Appearance, silhouette, solid_points
from vl_track.scenes.motion import Path

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SceneObject:
    """A sprite on a path.

    Attributes:
        appearance: what it looks like.
        sprite: RGBA (S, S, 4), colours multiplied by alpha.
        side: size in pixels of its sprite in the first frame, before the path's scale.
        path: where it is.
    """

    appearance: Appearance
    sprite: NDArray[np.uint8]
    side: float
    path: Path

    @cached_property
    def outline(self) -> NDArray[np.float32]:
        """Convex outline (N, 2) of the sprite, in its own pixel-edge coordinates."""
        return silhouette(self.sprite)

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """Centres (N, 2) of the sprite's solid pixels."""
        return solid_points(self.sprite)

    def placement(self, time: int) -> Matrix:
        """Return the 3 x 3 affine from sprite pixels to world pixels at a time."""
        path = self.path
        width, height = path.scale[time] * self.side / SIDE
        cos, sin = np.cos(path.angle[time]), np.sin(path.angle[time])
        x, y = path.centre[time]
        half = SIDE / 2
        turn = np.array([[cos * width, -sin * height], [sin * width, cos * height]])
        shift = np.array([x, y]) - turn @ np.array([half, half])
        return np.vstack([np.column_stack([turn, shift]), [0, 0, 1]])

    @property
    def motion_words(self) -> str:
        """What a sentence can say about its motion; empty for none."""
        if self.path.spinning:
            return "spinning"
        manner = self.path.manner
        if manner == "still":
            return "standing still"
        return "" if manner in {"wandering", "recorded"} else f"moving {manner}"


def bounds(outline: NDArray[np.float32], matrix: Matrix) -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 of the outline's image; zeros for an empty one."""
    if len(outline) == 0:
        return 0.0, 0.0, 0.0, 0.0
    image = outline @ matrix[:2, :2].T + matrix[:2, 2]
    (x0, y0), (x1, y1) = image.min(axis=0), image.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def bounds_within(
    thing: SceneObject, matrix: Matrix, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return the extent of the part of an object that lies in a picture; zeros if none does.

    Args:
        thing: the object.
        matrix: 3 x 3 affine from its sprite to the picture.
        size: width, height of the picture.
    """
    x0, y0, x1, y1 = bounds(thing.outline, matrix)
    width, height = size
    if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
        return x0, y0, x1, y1
    # What is cut off may have been the widest part, so clipping the whole extent is not enough.
    image = thing.points @ matrix[:2, :2].T + matrix[:2, 2]
    image = image[((image >= 0) & (image <= np.array(size))).all(axis=1)]
    if len(image) == 0:
        return 0.0, 0.0, 0.0, 0.0
    half = np.abs(matrix[:2, :2]).sum(axis=1) / 2
    low = np.maximum(image.min(axis=0) - half, 0)
    high = np.minimum(image.max(axis=0) + half, size)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def warp(
    picture: NDArray[np.uint8], matrix: Matrix, size: tuple[int, int], border: int
) -> NDArray[np.uint8]:
    """Apply an affine given in pixel-edge coordinates; averages first when it shrinks a lot.

    Args:
        picture: (H, W, C).
        matrix: 3 x 3, from edges of the picture's pixels to edges of the result's.
        size: width, height of the result.
        border: an OpenCV border mode.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    while scale < 0.6 and min(picture.shape[:2]) >= 8:
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        grown = np.diag([picture.shape[1] / half[0], picture.shape[0] / half[1], 1.0])
        picture = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
        matrix, scale = matrix @ grown, scale * 2
    # OpenCV puts coordinates at pixel centres, half a pixel from the edges.
    centred = _shift(-0.5) @ matrix @ _shift(0.5)
    warped: NDArray[np.uint8] = cv2.warpAffine(
        picture, centred[:2], size, flags=cv2.INTER_LINEAR, borderMode=border
    )
    return warped


def _shift(by: float) -> Matrix:
    return np.array([[1, 0, by], [0, 1, by], [0, 0, 1]], dtype=np.float64)
