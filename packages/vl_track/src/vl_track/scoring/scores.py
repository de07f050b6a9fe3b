"""Scores of one tracker on one benchmark under one convention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vl_track.scoring.benchmark import Aligned, TrueSequence, align
from vl_track.scoring.conventions import Convention
from vl_track.scoring.curves import (
    OVERLAP_THRESHOLDS_LINSPACE,
    PIXEL_THRESHOLDS,
    counts_above,
    counts_within,
)
from vl_track.scoring.measures import centre_error, complete_overlap

Floats = NDArray[np.float64]
OP50, OP75, P20 = 10, 15, 20
TOGETHER = 16
"""Sequences scored at once: so many frames fit into a processor's cache."""


class FrameScores(NamedTuple):
    """What each frame counts for: overlap (-1: miss), and errors (-1: hit; infinite: miss)."""

    overlap: Floats
    error: Floats
    normalised: Floats


class Figures(NamedTuple):
    """Scores in percent.

    Attributes:
        auc: mean of the success curve.
        op50: success at an overlap of 0.5.
        op75: at 0.75.
        precision: share of frames whose centre is within 20 pixels.
        normalised_precision: as the toolkit reports it.
        normalised_at: normalised precision at 0.2.
        normalised_mean: mean of the normalised precision curve.
    """

    auc: float
    op50: float
    op75: float
    precision: float
    normalised_precision: float
    normalised_at: float
    normalised_mean: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Curves of every sequence, in shares of its frames.

    Attributes:
        rules: the convention.
        names: of the sequences.
        frames: (S,) counted.
        success: (S, 21).
        precision: (S, 51).
        normalised: (S, 51).
        complete: (S, 21) success of the complete IoU (``mmot`` only).
    """

    rules: Convention
    names: tuple[str, ...]
    frames: NDArray[np.int64] = field(repr=False)
    success: Floats = field(repr=False)
    precision: Floats = field(repr=False)
    normalised: Floats = field(repr=False)
    complete: Floats | None = field(default=None, repr=False)

    def mean_curves(self, chosen: NDArray[np.int64] | None = None) -> tuple[Floats, Floats, Floats]:
        """Return success, precision and normalised precision, averaged over sequences.

        Args:
            chosen: indices of sequences, possibly repeated (bootstrap); all by default.
        """
        picked = slice(None) if chosen is None else chosen
        success, precision, normalised = (
            self._mean(curve[picked]) for curve in (self.success, self.precision, self.normalised)
        )
        return success, precision, normalised

    def figures(self, chosen: NDArray[np.int64] | None = None) -> Figures:
        """Return the scores of all or some sequences."""
        success, precision, normalised = (100 * curve for curve in self.mean_curves(chosen))
        at, mean = float(normalised[P20]), float(normalised.mean())
        return Figures(
            auc=float(success.mean()),
            op50=float(success[OP50]),
            op75=float(success[OP75]),
            precision=float(precision[P20]),
            normalised_precision=at if self.rules.normalised_score == "at_0.2" else mean,
            normalised_at=at,
            normalised_mean=mean,
        )

    def sequence_auc(self) -> Floats:
        """Return the AUC (S,) of every sequence in percent."""
        return np.asarray(100 * self.success.mean(axis=1))

    def complete_auc(self) -> float | None:
        """Return WebUAV-3M's cAUC in percent, or ``None`` under other conventions."""
        return None if self.complete is None else float(100 * self.complete.mean())

    def _mean(self, rows: Floats) -> Floats:
        if self.rules.skips_zero_rows:
            rows = rows[rows.sum(axis=1) > np.finfo(np.float64).eps]
        if len(rows) == 0:
            return np.zeros(rows.shape[1])
        return np.asarray(rows.mean(axis=0))


def score(
    truths: Sequence[TrueSequence],
    predictions: Mapping[str, Floats],
    rules: Convention,
    *,
    strict: bool = True,
) -> Scores:
    """Score a tracker.

    Args:
        truths: the sequences that count.
        predictions: boxes (T, 4) by name of sequence; those of other sequences are not read.
        rules: see :func:`vl_track.scoring.conventions.convention`.
        strict: refuse what the toolkit refuses; see :func:`align`.

    Raises:
        DataError: a result is missing, or one the toolkit would refuse.
    """
    starts = range(0, max(1, len(truths)), TOGETHER)
    some = [truths[start : start + TOGETHER] for start in starts]
    parts = [_score_some(align(part, predictions, rules, strict=strict), rules) for part in some]
    complete = [part.complete for part in parts if part.complete is not None]
    return Scores(
        rules=rules,
        names=tuple(name for part in parts for name in part.names),
        frames=np.concatenate([part.frames for part in parts]),
        success=np.concatenate([part.success for part in parts]),
        precision=np.concatenate([part.precision for part in parts]),
        normalised=np.concatenate([part.normalised for part in parts]),
        complete=np.concatenate(complete) if complete else None,
    )


def _score_some(aligned: Aligned, rules: Convention) -> Scores:
    frames = score_frames(aligned, rules)
    of, count, share = aligned.sequence, len(aligned.names), aligned.frames[:, None]
    complete = None
    if rules.name == "mmot":
        whole = complete_overlap(aligned.predicted, aligned.truth)
        complete = counts_above(whole, of, count, OVERLAP_THRESHOLDS_LINSPACE) / share
    return Scores(
        rules=rules,
        names=aligned.names,
        frames=aligned.frames,
        success=counts_above(frames.overlap, of, count, rules.overlap_thresholds) / share,
        precision=counts_within(frames.error, of, count, PIXEL_THRESHOLDS) / share,
        normalised=counts_within(frames.normalised, of, count, rules.normalised_thresholds) / share,
        complete=complete,
    )


def score_frames(aligned: Aligned, rules: Convention) -> FrameScores:
    """Compare every frame under a convention."""
    predicted, truth = aligned.predicted, aligned.truth
    overlap = rules.overlap(predicted, truth)
    error = centre_error(predicted, truth)
    normalised = rules.normalised(predicted, truth)
    if rules.valid == "every":
        return FrameScores(overlap, error, normalised)
    boxed = (truth[:, 2:] if rules.valid == "sides" else truth) > 0
    absent = ~aligned.visible
    invalid = ~np.logical_and.reduce([*boxed.T, aligned.visible])
    overlap = np.where(invalid, -1.0, overlap)
    error = np.where(invalid, -1.0 if rules.invalid_precision else np.inf, error)
    normalised = np.where(invalid, -1.0, normalised)
    if not rules.absent_normalised:
        normalised = np.where(absent, np.inf, normalised)
        error = np.where(absent, np.inf, error)
    return FrameScores(overlap, error, normalised)
