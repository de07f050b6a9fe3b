"""Averages of overlaps: GOT-10k's AO and SR, VOT-style overlap, WebUAV-3M's mAcc."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import DataError
from vl_track.data.truth import TrueSequence
from vl_track.scoring.measures import clip_to_image, overlap_continuous

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GotScores:
    """GOT-10k's scores in percent, over all frames pooled.

    Attributes:
        ao: average overlap.
        sr50: fraction of frames with an overlap above 0.5.
        sr75: above 0.75.
        frames: that count.
    """

    ao: float
    sr50: float
    sr75: float
    frames: int


def got_scores(
    truths: Sequence[TrueSequence], predictions: Mapping[str, Floats], *, need_size: bool = True
) -> GotScores:
    """Score as GOT-10k's toolkit: first frames left out, only frames with cover above 0.

    Args:
        truths: ``visible`` is cover > 0; boxes are cut to the image, whose ``size`` is needed.
        predictions: (T, 4) by sequence; results of another length are cut to the shorter one.
        need_size: ``False`` scores sequences of unknown size without cutting.

    Raises:
        DataError: a result or an image's size is missing, or no frame counts.
    """
    pooled = [_later_overlaps(true, predictions, need_size=need_size) for true in truths]
    overlaps = np.concatenate(pooled) if pooled else np.zeros(0)
    if len(overlaps) == 0:
        raise DataError("No frame counts: every sequence has one frame, or nothing is visible.")
    return GotScores(
        ao=100 * float(overlaps.mean()),
        sr50=100 * float((overlaps > 0.5).mean()),
        sr75=100 * float((overlaps > 0.75).mean()),
        frames=len(overlaps),
    )


def average_overlap(truths: Sequence[TrueSequence], predictions: Mapping[str, Floats]) -> float:
    """Return the VOT-style average overlap in percent: mean over sequences of their mean overlap.

    First frames and frames without a visible object are left out; nothing is reset.
    """
    means = []
    for true in truths:
        overlaps = _later_overlaps(true, predictions, need_size=False)
        if len(overlaps):
            means.append(float(overlaps.mean()))
    if not means:
        raise DataError("No frame counts: every sequence has one frame, or nothing is visible.")
    return 100 * float(np.mean(means))


def mean_accuracy(truths: Sequence[TrueSequence], predictions: Mapping[str, Floats]) -> float:
    """Return WebUAV-3M's mAcc in percent (the Anti-UAV rule): mean over videos of their frames.

    A frame with a true box counts its IoU. One whose truth is 0,0,0,0 counts 1 only if the result
    says there is nothing, by an empty line or a single 0; four numbers are a box, so they count 0.
    The reader of results takes four numbers a line, so here such frames always count 0. The first
    frame counts, with what the tracker wrote.
    """
    accuracies = []
    for true in truths:
        predicted = _result(true, predictions)
        count = min(len(predicted), len(true.boxes))
        truth, box = true.boxes[:count], predicted[:count]
        overlap = overlap_continuous(box, truth)
        overlap = np.where((truth == 0).all(axis=1), 0.0, overlap)
        accuracies.append(float(overlap.mean()))
    return 100 * float(np.mean(accuracies))


def _later_overlaps(
    true: TrueSequence, predictions: Mapping[str, Floats], *, need_size: bool
) -> Floats:
    predicted = _result(true, predictions)
    count = min(len(predicted), len(true.boxes))
    box, truth = predicted[1:count], true.boxes[1:count]
    if true.size is not None:
        box, truth = clip_to_image(box, true.size), clip_to_image(truth, true.size)
    elif need_size:
        raise DataError(
            f"GOT-10k's scores need the size of the images of {true.name}: read the data set "
            "with its meta_info.ini."
        )
    seen = np.ones(count, bool) if true.visible is None else true.visible[:count]
    valid = seen[1:] & (true.boxes[1:count, 2:] > 0).all(axis=1)
    overlaps: Floats = overlap_continuous(box, truth)[valid]
    return overlaps


def _result(true: TrueSequence, predictions: Mapping[str, Floats]) -> Floats:
    if true.name not in predictions:
        raise DataError(f"There is no result for {true.name}: run the tracker on it.")
    return predictions[true.name]
