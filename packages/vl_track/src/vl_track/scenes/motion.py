"""Paths of objects and of the camera, as arrays over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Manner = Literal["still", "left", "right", "up", "down", "wandering", "recorded"]
DIRECTIONS: dict[str, tuple[float, float]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
}


@dataclass(frozen=True, kw_only=True)
class Path:
    """Where an object is and how it is turned, in each of T frames.

    Attributes:
        centre: (T, 2) x, y in pixels.
        scale: (T, 2) width and height factors.
        angle: (T,) radians.
        manner: what a sentence may say about the motion.
        spinning: whether it turns steadily.
    """

    centre: Floats
    scale: Floats
    angle: Floats
    manner: Manner
    spinning: bool


def smooth_noise(generator: np.random.Generator, frames: int, size: int, period: float) -> Floats:
    """Return (frames, size) sums of three sinusoids, zero mean, about unit amplitude.

    Args:
        generator: of random numbers.
        frames: length.
        size: number of independent signals.
        period: frames of the slowest one.
    """
    time = np.arange(frames)[:, None, None] / period * 2 * np.pi
    rate = np.array([1.0, 1.9, 3.1]) * generator.uniform(0.7, 1.3, (size, 3))
    weight = np.array([0.7, 0.4, 0.2]) * generator.uniform(0.5, 1.5, (size, 3))
    return np.asarray((weight * np.sin(rate * time + generator.uniform(0, 6.3, (size, 3)))).sum(2))


def make_path(
    generator: np.random.Generator,
    frames: int,
    frame_size: tuple[int, int],
    start: tuple[float, float],
    *,
    side: float,
    recorded: Sequence[Floats] = (),
) -> Path:
    """Draw one object's path.

    Args:
        generator: of random numbers.
        frames: T.
        frame_size: width, height in pixels; paths turn back at its border.
        start: first centre, in pixels.
        side: the object's size in pixels, the unit of speed.
        recorded: centre and size tracks (T', 4) of real videos to follow at times, see
            :mod:`vl_track.scenes.trajectories`.
    """
    manner = _draw_manner(generator, bool(recorded))
    zoom = np.exp(0.25 * generator.uniform() * smooth_noise(generator, frames, 1, 70))
    if manner == "recorded":
        track = recorded[int(generator.integers(len(recorded)))]
        centre, zoom = _follow(generator, track, frames, frame_size)
    else:
        centre = _centres(generator, frames, start, manner, side)
        centre = _reflect(centre, frame_size) if manner == "wandering" else centre
    squeeze = 0.18 * generator.uniform() * smooth_noise(generator, frames, 1, 50)
    scale = zoom * np.exp(np.concatenate([squeeze, -squeeze], axis=1))
    spinning = bool(generator.uniform() < 0.15)
    return Path(
        centre=centre,
        scale=scale,
        angle=_angles(generator, frames, spinning=spinning),
        manner=manner,
        spinning=spinning,
    )


def _draw_manner(generator: np.random.Generator, recorded: bool) -> Manner:
    manners: list[Manner] = ["still", "left", "right", "up", "down", "wandering"]
    weights = [0.08, 0.1, 0.1, 0.08, 0.08, 0.56]
    if recorded:
        manners, weights = [*manners, "recorded"], [*(0.6 * w for w in weights), 0.4]
    return manners[int(generator.choice(len(manners), p=weights))]


def _centres(
    generator: np.random.Generator,
    frames: int,
    start: tuple[float, float],
    manner: str,
    side: float,
) -> Floats:
    wobble = smooth_noise(generator, frames, 2, 45)
    wobble = (wobble - wobble[0]) * side
    if manner == "wandering":
        drift = generator.normal(0, 0.02 * side, 2) * np.arange(frames)[:, None]
        return np.asarray(np.array(start) + drift + wobble * generator.uniform(0.4, 1.6))
    along = np.array(DIRECTIONS.get(manner, (0, 0)), dtype=np.float64)
    speed = side * generator.uniform(0.008, 0.025)
    steady = speed * np.arange(frames)[:, None] * along
    return np.asarray(np.array(start) + steady + 0.05 * wobble)


def _reflect(centre: Floats, frame_size: tuple[int, int]) -> Floats:
    """Fold paths back into the frame, a little beyond its border: objects leave and return."""
    margin = 0.04 * min(frame_size)
    span = np.array(frame_size, dtype=np.float64) + 2 * margin
    folded = np.mod(centre + margin, 2 * span)
    return np.where(folded > span, 2 * span - folded, folded) - margin


def _follow(
    generator: np.random.Generator, track: Floats, frames: int, frame_size: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Take a stretch of a recorded track, scaled to the frame: centres (T, 2), zoom (T, 1)."""
    first = int(generator.integers(max(1, len(track) - frames)))
    stretch = track[np.minimum(np.arange(first, first + frames), len(track) - 1)]
    centre = stretch[:, :2] * np.array(frame_size)
    if generator.uniform() < 0.5:
        centre = np.array([frame_size[0], 0]) + centre * np.array([-1, 1])
    size = np.sqrt(stretch[:, 2:3] * stretch[:, 3:4])
    return centre, np.clip(size / size[0], 0.4, 2.5)


def _angles(generator: np.random.Generator, frames: int, *, spinning: bool) -> Floats:
    if spinning:
        rate = generator.choice([-1, 1]) * generator.uniform(0.05, 0.12)
        return np.asarray(rate * np.arange(frames))
    swing = smooth_noise(generator, frames, 1, 60)[:, 0]
    return np.asarray(generator.uniform(0, 0.5) * swing)
