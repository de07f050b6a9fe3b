"""How alike two boxes are, frame by frame: pure functions on arrays.

Boxes are rows x, y, width, height. All functions are vectorised over any leading dimensions.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
EPSILON = float(np.finfo(np.float64).eps)


def overlap_pixels(predicted: Floats, truth: Floats) -> Floats:
    """Return the IoU of boxes that cover whole pixels: the right edge is ``x + width - 1``.

    The convention of OTB's, LaSOT's and TNL2K's MATLAB toolkits and of pytracking. With areas
    ``width * height`` it is the continuous one for the usual corners, but sides of negative
    overlap are cut after one pixel is added. Where both boxes are empty it is NaN.
    """
    shared, union = _shared_and_union(predicted, truth, pixel=1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(shared / union)


def overlap_continuous(predicted: Floats, truth: Floats) -> Floats:
    """Return the IoU of boxes with continuous edges, clipped to [0, 1]; the got10k toolkit's.

    The machine epsilon is added to the union, so that empty boxes give 0.
    """
    shared, union = _shared_and_union(predicted, truth, pixel=0.0)
    return np.asarray(np.clip(shared / (union + EPSILON), 0.0, 1.0))


def overlap_plain(predicted: ArrayLike, truth: ArrayLike) -> Floats:
    """Return the IoU (T,) of boxes (T, 4) with continuous edges; 0 where either has no area."""
    one, other = np.asarray(predicted, float), np.asarray(truth, float)
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = one[:, 2:].prod(axis=1) + other[:, 2:].prod(axis=1) - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)


def complete_overlap(predicted: Floats, truth: Floats) -> Floats:
    """Return the complete IoU, clipped to [0, 1] (WebUAV-3M's cAUC; arXiv 1911.08287).

    IoU, less the squared distance of the centres over the squared diagonal of the hull, less a
    penalty for another aspect. NaN where a side of 0 leaves the aspect without meaning.
    """
    shared, union = _shared_and_union(predicted, truth, pixel=0.0)
    hull_low = np.minimum(predicted[..., :2], truth[..., :2])
    hull_high = np.maximum(predicted[..., :2] + predicted[..., 2:], truth[..., :2] + truth[..., 2:])
    diagonal = (np.clip(hull_high - hull_low, 0, None) ** 2).sum(axis=-1)
    middle = predicted[..., :2] + predicted[..., 2:] / 2 - truth[..., :2] - truth[..., 2:] / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = shared / union
        aspects = [np.arctan(box[..., 2] / box[..., 3]) for box in (truth, predicted)]
        differ = 4 / math.pi**2 * (aspects[0] - aspects[1]) ** 2
        # Rounding may put the IoU of equal boxes above 1.
        weight = differ / (1 - np.minimum(iou, 1.0) + differ + EPSILON)
        complete = iou - (middle**2).sum(axis=-1) / diagonal - weight * differ
    return np.asarray(np.clip(complete, 0.0, 1.0))


def centre_error(predicted: Floats, truth: Floats) -> Floats:
    """Return the distance of the centres ``x + (width - 1) / 2`` in pixels."""
    return _length(_centre(predicted) - _centre(truth))


def normalised_error(predicted: Floats, truth: Floats) -> Floats:
    """Return the distance of the centres, along each axis in units of the true box's side.

    Centres are divided before they are subtracted, as in pytracking and MATLAB: whether a value
    that is exactly on a threshold counts depends on the last bit. Not finite for a side of 0.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        one = _centre(predicted) / truth[..., 2:]
        other = _centre(truth) / truth[..., 2:]
        return _length(one - other)


def normalised_error_guarded(predicted: Floats, truth: Floats) -> Floats:
    """Return the same as the got10k toolkit does: by sides of at least 1, after subtracting."""
    gap = (_centre(predicted) - _centre(truth)) / np.maximum(1.0, truth[..., 2:])
    return _length(gap)


def normalised_error_tiny(predicted: Floats, truth: Floats) -> Floats:
    """Return the same as the MMOT toolkit does: by sides plus 1e-16, before subtracting."""
    sides = truth[..., 2:] + 1e-16
    gap = _centre(predicted) / sides - _centre(truth) / sides
    return _length(gap)


def clip_to_image(boxes: Floats, size: tuple[float, float]) -> Floats:
    """Cut boxes to an image (width, height), as the got10k toolkit does for GOT-10k."""
    corner = np.clip(boxes[..., :2], 0, size)
    sides = np.clip(boxes[..., 2:], 0, np.asarray(size) - corner)
    return np.concatenate([corner, sides], axis=-1)


def _shared_and_union(predicted: Floats, truth: Floats, pixel: float) -> tuple[Floats, Floats]:
    """Return the areas of intersection and union; a right edge is ``x + width - pixel``.

    Column by column: a reduction over an axis of two takes numpy five times as long.
    """
    sides = []
    for corner, extent in ((0, 2), (1, 3)):
        low = np.maximum(predicted[..., corner], truth[..., corner])
        high = np.minimum(
            predicted[..., corner] + predicted[..., extent] - pixel,
            truth[..., corner] + truth[..., extent] - pixel,
        )
        sides.append(np.clip(high - low + pixel, 0, None))
    shared = sides[0] * sides[1]
    areas = predicted[..., 2] * predicted[..., 3] + truth[..., 2] * truth[..., 3]
    return shared, areas - shared


def _length(gap: Floats) -> Floats:
    return np.asarray(np.sqrt(gap[..., 0] ** 2 + gap[..., 1] ** 2))


def _centre(boxes: Floats) -> Floats:
    return np.asarray(boxes[..., :2] + (boxes[..., 2:] - 1.0) / 2)
