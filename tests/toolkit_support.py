"""Ground truth for tests of the evaluator: the six-frame case, and LaSOT's where it is there."""

import numpy as np

from vl_track.data.truth import TrueSequence

SIX_TRUE = [
    (10, 10, 40, 20),
    (12, 11, 40, 20),
    (0, 15, 40, 20),
    (0, 0, 0, 0),
    (300, 200, 50, 30),
    (60, 40, 40, 20),
]
SIX_PREDICTED = [
    (99, 99, 5, 5),
    (14, 12, 40, 20),
    (3, 16, 38, 22),
    (20, 20, 40, 20),
    (100, 100, 50, 30),
    (60, 40, 0, 0),
]
SIX_VISIBLE = [True, True, True, False, True, True]


def six_frames(*, flags: bool = True, name: str = "six") -> TrueSequence:
    """A synthetic case of six frames."""
    return TrueSequence(
        name=name,
        boxes=np.array(SIX_TRUE, float),
        visible=np.array(SIX_VISIBLE) if flags else None,
    )


def perturbed(boxes: np.ndarray) -> np.ndarray:
    """A predictor that is moved, wider, lower, whole; no box repeats the last."""
    found, last = [], (0.0, 0.0, 0.0, 0.0)
    for x, y, width, height in boxes:
        if width > 0 and height > 0:
            moved = x + 4, y + 3, max(1, 1.25 * width), max(1, 0.8 * height)
            last = tuple(float(int(value)) for value in moved)  # type: ignore[assignment]
        found.append(last)
    return np.array(found)
