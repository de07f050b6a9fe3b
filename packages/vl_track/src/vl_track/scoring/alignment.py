"""Predictions brought to the length of the truth and repaired, as each toolkit does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import DataError
from vl_track.data.truth import TrueSequence
from vl_track.scoring.conventions import Convention, Measure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligned:
    """All frames of some sequences in one array each, as a convention compares them.

    What conventions have in common is computed once: measures and masks are kept.

    Attributes:
        names: of the sequences.
        sequence: (T,) index of the sequence of each frame.
        frames: (S,) denominators.
        predicted: (T, 4), repaired, the first of each sequence replaced by the true one.
        truth: (T, 4).
        visible: (T,) bool.
    """

    names: tuple[str, ...]
    sequence: NDArray[np.int64]
    frames: NDArray[np.int64]
    predicted: Floats = field(repr=False)
    truth: Floats = field(repr=False)
    visible: Bools = field(repr=False)
    _measured: dict[Measure, Floats] = field(default_factory=dict, repr=False)
    _missing: dict[str, Bools] = field(default_factory=dict, repr=False)

    def measured(self, measure: Measure) -> Floats:
        """Return a measure (T,) of every frame."""
        if measure not in self._measured:
            self._measured[measure] = measure(self.predicted, self.truth)
        return self._measured[measure]

    def missing(self, rules: Convention) -> Bools:
        """Return the frames (T,) where a convention finds no object: hidden, or no box."""
        if rules.valid not in self._missing:
            sides = self.truth[:, 2:] if rules.valid == "sides" else self.truth
            there = np.logical_and.reduce([*(sides > 0).T, self.visible])
            self._missing[rules.valid] = np.asarray(~there)
        return self._missing[rules.valid]


def align(
    truths: Sequence[TrueSequence],
    predictions: Mapping[str, Floats],
    rules: Convention,
    *,
    strict: bool = True,
) -> Aligned:
    """Bring predictions to the length of the truth and repair them, as a toolkit does.

    Args:
        truths: the sequences; all must have a prediction.
        predictions: (T', 4) by name.
        rules: of the toolkit.
        strict: refuse what the toolkit refuses. Otherwise frames beyond the truth are cut off,
            missing ones are boxes without area, and a box with a negative side or with something
            that is no number is replaced by the one before it, where the toolkit repairs at all.

    Raises:
        DataError: a prediction is missing, or is one the toolkit refuses: of another length, with
            a negative side, or with something that is no number. The message names the sequence.
    """
    predicted, boxes, visible, frames = [], [], [], []
    for true in truths:
        if true.name not in predictions:
            raise DataError(f"There is no result for {true.name}: run the tracker on it.")
        one, count = _fit(predictions[true.name], true, rules, strict=strict)
        truth = true.boxes[:count]
        seen = np.ones(count, bool) if true.visible is None else true.visible[:count]
        kept = _scored(truth, seen, rules)
        if rules.first == "left_out" and not kept.any():
            raise DataError(
                f"No frame of {true.name} counts under the convention {rules.title}: its object is "
                "visible in no frame after the first. Leave the sequence out."
            )
        predicted.append(one[kept])
        boxes.append(truth[kept])
        visible.append(seen[kept])
        frames.append(int(kept.sum()))
    return Aligned(
        names=tuple(true.name for true in truths),
        sequence=np.repeat(np.arange(len(frames), dtype=np.int64), frames),
        frames=np.array(frames, dtype=np.int64),
        predicted=np.concatenate(predicted),
        truth=np.concatenate(boxes),
        visible=np.concatenate(visible),
    )


def _scored(truth: Floats, visible: Bools, rules: Convention) -> Bools:
    """Return the frames (T,) that count at all, as hits or as misses."""
    kept = np.ones(len(truth), dtype=bool)
    if rules.valid == "every":
        kept &= ~np.isnan(truth).any(axis=1)
    if rules.hidden == "left_out":
        kept &= visible
    if rules.first == "left_out":
        kept[0] = False
    return kept


def needs_nothing(truths: Sequence[TrueSequence], predictions: Mapping[str, Floats]) -> bool:
    """Tell whether every toolkit takes predictions as they are, so that one alignment serves all.

    They then have the length of the truth, sides above 0, and nothing is NaN.
    """
    for true in truths:
        predicted = predictions.get(true.name)
        if predicted is None or len(predicted) != len(true.boxes):
            return False
        if not bool((predicted[:, 2:] > 0).all()) or bool(np.isnan(predicted).any()):
            return False
        if bool(np.isnan(true.boxes).any()):
            return False
    return True


def _fit(
    predicted: Floats, true: TrueSequence, rules: Convention, *, strict: bool
) -> tuple[Floats, int]:
    """Return the prediction at its scored length, and that length."""
    if len(predicted) == 0:
        raise DataError(f"The result of {true.name} is empty: run the tracker on it.")
    refused = refusal(predicted, true, rules)
    if strict and refused:
        raise DataError(refused)
    one = repair(
        predicted, "not_positive" if refused and rules.repairs == "zero" else rules.repairs
    )
    count = len(true.boxes)
    if rules.lengths == "shortest":
        count = min(count, len(one))
    one = one[:count]
    if len(one) < count:
        one = np.concatenate([one, np.zeros((count - len(one), 4))])
    one = one.copy()
    one[0] = true.boxes[0]  # the box that was given
    return one, count


def refusal(predicted: Floats, true: TrueSequence, rules: Convention) -> str | None:
    """Say why the toolkit would not score a result; ``None`` if it would."""
    found, wanted = len(predicted), len(true.boxes)
    unequal = rules.lengths == "equal" and found != wanted
    short = rules.lengths == "cut" and found < wanted
    if unequal or short:
        return (
            f"The result of {true.name} has {found} boxes for {wanted} frames, which the toolkit "
            f"{rules.title} refuses: run the tracker on the whole sequence."
        )
    sound = bool((predicted[:, 2:] >= 0).all()) and not bool(np.isnan(predicted).any())
    if rules.repairs == "zero" and not sound:
        good = (predicted[:, 2:] >= 0).all(axis=1) & ~np.isnan(predicted).any(axis=1)
        return (
            f"The result of {true.name} has a negative side or no number in line "
            f"{int(np.argmin(good)) + 1}, which the toolkit {rules.title} refuses."
        )
    return None


def repair(predicted: Floats, how: str) -> Floats:
    """Replace predictions without area by the box before them.

    Args:
        predicted: (T, 4).
        how: ``never``; ``zero``: where a side is 0; ``not_positive``: also where one is negative
            or anything is not a number.
    """
    if how == "never" or len(predicted) == 0:
        return predicted
    sides = predicted[:, 2:]
    if bool((sides > 0).all()) and not bool(np.isnan(predicted).any()):
        return predicted  # almost always, and rows one by one take long
    bad = (sides == 0).any(axis=1)
    if how == "not_positive":
        bad = (sides <= 0).any(axis=1) | np.isnan(predicted).any(axis=1)
    bad[0] = False
    latest = np.maximum.accumulate(np.where(bad, 0, np.arange(len(predicted))))
    return np.asarray(predicted[latest])
