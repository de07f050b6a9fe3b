"""Success: the share of frames whose overlap exceeds each of 21 thresholds, and its mean (AUC).

Convention ``plain``: boxes in continuous coordinates (no +1), frames without a visible object left
out, the first frame left out because it is given. The conventions of the field's toolkits come with
the evaluator.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONVENTION = "plain: no +1, visible frames only, first frame left out, 21 thresholds, overlap > t"
THRESHOLDS = np.linspace(0, 1, 21)


def overlaps(predicted: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Return the IoU (T,) of boxes (T, 4) x, y, w, h; 0 where either has no area."""
    one, other = np.asarray(predicted, float), np.asarray(truth, float)
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = one[:, 2:].prod(axis=1) + other[:, 2:].prod(axis=1) - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)


def success_auc(overlap: ArrayLike) -> float:
    """Return the area under the success curve of overlaps (T,), in [0, 1].

    Raises:
        ValueError: there are no frames.
    """
    values = np.asarray(overlap, float)
    if values.size == 0:
        raise ValueError("no frames to score")
    return float((values[:, None] > THRESHOLDS).mean(axis=0).mean())
