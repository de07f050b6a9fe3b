"""Compositing one view of a scene: background, objects, light, blur, noise."""

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vl_track.scenes.objects import Matrix, SceneObject, bounds, warp

MAX_BLUR = 11


class Drawable(Protocol):
    """What is drawn; :class:`vl_track.scenes.scene.Scene` says what each part is."""

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """In the order of drawing."""

    @property
    def background(self) -> NDArray[np.uint8]:
        """RGB photograph."""

    @property
    def ground(self) -> Matrix:
        """From photograph to world pixels."""

    @property
    def camera(self) -> NDArray[np.float64]:
        """(T, 3, 3) from world to frame pixels."""

    @property
    def gain(self) -> NDArray[np.float64]:
        """(T, 3) light of each channel."""

    @property
    def gamma(self) -> NDArray[np.float64]:
        """(T, 1)."""

    @property
    def softness(self) -> NDArray[np.float64]:
        """(T,) blur of the lens in pixels."""

    @property
    def motion_blur(self) -> bool:
        """Whether moving objects smear."""

    @property
    def noise(self) -> float:
        """Of the sensor, in grey levels."""

    @property
    def noise_seed(self) -> int:
        """Of the noise."""


def render(scene: Drawable, time: int, view: Matrix, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw a scene at one time as RGB uint8 (H, W, 3).

    Args:
        scene: what to draw.
        time: frame number.
        view: 3 x 3 affine from frame pixels to pixels of the result, edges to edges.
        size: width, height of the result.
    """
    camera = view @ scene.camera[time]
    picture = warp(scene.background, camera @ scene.ground, size, cv2.BORDER_REFLECT_101)
    for thing in scene.objects:
        _paste(picture, thing, camera @ thing.placement(time), _smear(scene, thing, time, camera))
    return _expose(scene, time, picture, float(np.sqrt(abs(np.linalg.det(view[:2, :2])))))


def coverage(
    objects: tuple[SceneObject, ...], target: int, time: int, camera: Matrix, frame: tuple[int, int]
) -> float:
    """Return the fraction of the target's area that is in the frame and not covered, in [0, 1]."""
    thing = objects[target]
    x0, y0, x1, y1 = bounds(thing.outline, camera @ thing.placement(time))
    if x1 <= x0 or y1 <= y0:
        return 0.0
    side = 32
    window = np.diag([side / (x1 - x0), side / (y1 - y0), 1.0]) @ np.array(
        [[1, 0, -x0], [0, 1, -y0], [0, 0, 1]]
    )
    seen = _alpha(thing, window @ camera @ thing.placement(time), side)
    whole = seen.sum()
    for other in objects[target + 1 :]:
        seen = seen * (1 - _alpha(other, window @ camera @ other.placement(time), side))
    columns = x0 + (np.arange(side) + 0.5) * (x1 - x0) / side
    rows = y0 + (np.arange(side) + 0.5) * (y1 - y0) / side
    seen = seen * ((columns >= 0) & (columns < frame[0]))
    seen = seen * ((rows >= 0) & (rows < frame[1]))[:, None]
    return float(seen.sum() / max(whole, 1e-6))


def _alpha(thing: SceneObject, matrix: Matrix, side: int) -> NDArray[np.float32]:
    x0, y0, x1, y1 = bounds(thing.outline, matrix)
    if x1 <= 0 or y1 <= 0 or x0 >= side or y0 >= side:
        return np.zeros((side, side), dtype=np.float32)
    alpha = warp(thing.sprite[..., 3], matrix, (side, side), cv2.BORDER_CONSTANT)
    return alpha.astype(np.float32) / np.float32(255)


def _smear(scene: Drawable, thing: SceneObject, time: int, camera: Matrix) -> tuple[int, int]:
    """Return the width and height of an object's motion blur, in pixels of the result."""
    if not scene.motion_blur or time == 0:
        return 1, 1
    step = thing.path.centre[time] - thing.path.centre[time - 1]
    reach = np.abs(camera[:2, :2] @ step) * 0.7
    width, height = (int(min(MAX_BLUR, max(1, round(r)))) for r in reach)
    return width, height


def _paste(
    picture: NDArray[np.uint8], thing: SceneObject, matrix: Matrix, smear: tuple[int, int]
) -> None:
    """Blend one object into the picture, in place."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = bounds(thing.outline, matrix)
    left, top = max(0, int(x0) - 3 - smear[0]), max(0, int(y0) - 3 - smear[1])
    right, bottom = min(width, int(x1) + 4 + smear[0]), min(height, int(y1) + 4 + smear[1])
    if left >= right or top >= bottom:
        return
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], dtype=np.float64)
    drawn = warp(thing.sprite, shift @ matrix, (right - left, bottom - top), cv2.BORDER_CONSTANT)
    if smear != (1, 1):
        drawn = cv2.blur(drawn, smear, borderType=cv2.BORDER_CONSTANT)
    region = picture[top:bottom, left:right]
    through = cv2.merge([255 - drawn[..., 3]] * 3)
    region[:] = cv2.add(cv2.multiply(region, through, scale=1 / 255), drawn[..., :3].copy())


def _expose(
    scene: Drawable, time: int, picture: NDArray[np.uint8], zoom: float
) -> NDArray[np.uint8]:
    """Apply the light of the moment, the lens and the sensor."""
    if scene.softness[time] * zoom > 0.4:
        picture = cv2.GaussianBlur(picture, (0, 0), float(scene.softness[time] * zoom))
    levels = (np.arange(256)[:, None] / 255) ** scene.gamma[time] * scene.gain[time] * 255
    table = np.clip(levels, 0, 255).round().astype(np.uint8)[None]
    picture = cv2.LUT(picture, table)
    if scene.noise > 0.5:
        generator = np.random.default_rng((scene.noise_seed, time))
        grain = generator.integers(-128, 128, picture.shape, dtype=np.int8)
        picture = cv2.addWeighted(
            picture.astype(np.int16), 1, grain.astype(np.int16), scene.noise / 74, 0
        )
        picture = np.clip(picture, 0, 255).astype(np.uint8)
    return picture
