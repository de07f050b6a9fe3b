"""What places of a frame look like to a tracker: for fitting how a lost object is found again."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vl_track.data.geometry import Box
from vl_track.scoring.logistic import logistic
from vl_track.scoring.measures import overlap_plain
from vl_track.tracking.evidence import PLACE, Numbers
from vl_track.tracking.tracker import Tracker
from vl_track.video.frames import Image

EVERY = 8
"""Frames from one search to the next, while a tracker is watched."""
RIGHT, WRONG = 0.3, 0.05
"""IoU above which a place shows the object, and below which it does not; others are left out."""
RIDGE = 0.003
"""Weight of the squared weights of standardised numbers in the loss."""


class Places(NamedTuple):
    """Places that were looked at.

    Attributes:
        numbers: (N, 3), of :data:`vl_track.tracking.evidence.PLACE`.
        right: (N,), whether they show the object.
    """

    numbers: Numbers
    right: NDArray[np.bool_]


def places_of(tracker: Tracker, frame: Image, truth: Box | None) -> Places:
    """Search a whole frame for the tracker's object, without changing the tracker.

    Args:
        tracker: that has followed the object until now.
        frame: RGB uint8 (H, W, 3).
        truth: where the object is; ``None`` where it is not in view.
    """
    rows, right = [], []
    for found, numbers in tracker.places(frame):
        overlap = 0.0 if truth is None else float(overlap_plain([found.box], [truth])[0])
        if numbers is not None and not WRONG <= overlap <= RIGHT:
            rows.append(numbers)
            right.append(overlap > RIGHT)
    return Places(np.array(rows).reshape(-1, len(PLACE)), np.array(right, bool))


def fit_places(found: Sequence[Places]) -> dict[str, float]:
    """Fit how probable it is that a place shows the object.

    Returns:
        ``places`` of :class:`vl_track.tracking.judge.Judge`; empty where all places show the
        object, or none does.
    """
    if not found:
        return {}
    numbers = np.concatenate([one.numbers for one in found])
    right = np.concatenate([one.right for one in found])
    if right.all() or not right.any():
        return {}
    weights, bias = logistic(numbers, right, RIDGE)
    named = zip(PLACE, weights, strict=True)
    return {**{name: round(float(one), 6) for name, one in named}, "bias": round(bias, 6)}
