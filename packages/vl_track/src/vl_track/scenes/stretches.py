"""Stretches of recorded tracks: which frames are taken, and where they lie in a frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.errors import ConfigError
from holdfast.seeding import fold_seed
from vl_track.data.flags import runs_of
from vl_track.scenes.trajectories import Boxes, Recording

LEAST_SIDE = 12.0
"""Shortest side of a box in pixels of the frame: less can hardly be drawn, let alone followed."""
LARGEST = 0.34
"""Largest middle size of a target, as a share of the frame's height; that of plain scenes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretch(Recording):
    """Frames of a recording, under its name; the object is in view in the first of them.

    Attributes:
        first: number of its first frame in the recording.
    """

    first: int


def first_absence(recording: Recording, frames: int) -> Stretch:
    """Return the stretch whose middle is where the object is absent for the first time.

    It begins earlier where the recording ends too soon for that, and never before the object is
    seen. A recording without an absence gives its first frames.

    Args:
        recording: of an object that is seen somewhere.
        frames: length; less where the recording is shorter.
    """
    seen = int((~recording.gone).argmax())
    later = np.flatnonzero(recording.gone[seen:])
    first = seen
    if len(later):
        middle = seen + int(later[0])
        first = max(seen, min(middle - frames // 2, len(recording) - frames))
    return _cut(recording, first, frames)


def without_absence(recording: Recording, frames: int) -> Stretch | None:
    """Return the first so many frames in a row that all show the object; ``None`` without any."""
    for start, end in runs_of(~recording.gone):
        if end - start >= frames:
            return _cut(recording, start, frames)
    return None


def _cut(recording: Recording, first: int, frames: int) -> Stretch:
    taken = slice(first, first + frames)
    return Stretch(
        name=recording.name,
        first=first,
        boxes=recording.boxes[taken],
        outside=recording.outside[taken],
        covered=recording.covered[taken],
    )


def choose(
    recordings: Sequence[Recording], count: int, staying: int, frames: int
) -> tuple[list[Stretch], list[Stretch]]:
    """Choose stretches in an order that depends on nothing but the recordings' names.

    The first of many are therefore those that fewer would be.

    Args:
        recordings: to choose from.
        count: of :func:`first_absence`.
        staying: of :func:`without_absence`, from the recordings after those.
        frames: length of each.

    Raises:
        ConfigError: there are too few recordings.
    """
    order = sorted(recordings, key=lambda one: fold_seed("recorded", one.name))
    if count > len(order):
        raise ConfigError(f"There are {len(order)} recorded tracks: give --count {len(order)}.")
    later = (without_absence(one, frames) for one in order[count:])
    still = [one for one in later if one is not None]
    if staying > len(still):
        raise ConfigError(
            f"After the first {count} recorded tracks there are {len(still)} that show their "
            f"object in {frames} frames in a row: give --staying {len(still)}, or fewer --frames."
        )
    return [first_absence(one, frames) for one in order[:count]], still[:staying]


def fit(stretch: Stretch, frame_size: tuple[int, int], generator: np.random.Generator) -> Boxes:
    """Lay recorded boxes into a frame, all at one scale, so that every box is inside.

    The scale is the largest at which the whole track fits; less for large objects.

    Args:
        stretch: of a recording, whose own frame size is not known.
        frame_size: width, height.
        generator: decides where a track lies that leaves room.

    Returns:
        (T, 4) x, y, width, height in pixels of the frame; no side shorter than 12.
    """
    corner, size = stretch.boxes[:, :2], stretch.boxes[:, 2:]
    low, high = corner.min(axis=0), (corner + size).max(axis=0)
    frame = np.array(frame_size, dtype=np.float64)
    scale = float((frame / (high - low)).min())
    scale = min(scale, LARGEST * frame_size[1] / float(np.median(np.sqrt(size.prod(axis=1)))))
    room = frame - scale * (high - low)
    centre = scale * (corner + size / 2 - low) + room * generator.uniform(size=2)
    size = np.minimum(np.maximum(scale * size, LEAST_SIDE), frame)
    centre = np.clip(centre, size / 2, frame - size / 2)
    return np.concatenate([centre - size / 2, size], axis=1)
