"""The metrics: each is one curve over thresholds, and all tables, files and plots follow CURVES.

A further metric is one more entry of CURVES; nothing else needs to know of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vl_track.scoring.alignment import Aligned
from vl_track.scoring.conventions import OVERLAPS_LINSPACE, PIXELS, Convention
from vl_track.scoring.measures import centre_error, complete_overlap

Floats = NDArray[np.float64]
OP50, OP75, P20 = 10, 15, 20
"""Indices of the thresholds 0.5, 0.75 and 20 pixels (0.2 sides)."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One metric: a value for each frame, the fraction of frames that pass each threshold, numbers.

    Attributes:
        name: in files.
        thresholds: (K,) rising, under a convention.
        per_frame: values (T,) of all frames under a convention; NaN never passes.
        summary: numbers in percent, by name, of the mean curve (K,) in percent.
        passes: a frame passes a threshold if its value is ``above`` it, or ``within`` it.
        columns: headings of the numbers that the main table shows.
        legend: the number that stands beside a tracker in the plot.
        axis: label of the thresholds.
        caption: of the plot.
        conventions: that have this metric; all if empty.
    """

    name: str
    thresholds: Callable[[Convention], Floats]
    per_frame: Callable[[Aligned, Convention], Floats]
    summary: Callable[[Floats, Convention], dict[str, float]]
    passes: str
    columns: Mapping[str, str]
    legend: str
    axis: str
    caption: str
    conventions: frozenset[str] = frozenset()

    def applies(self, rules: Convention) -> bool:
        """Tell whether a convention has this metric."""
        return not self.conventions or rules.name in self.conventions

    def of(self, aligned: Aligned, rules: Convention) -> Floats:
        """Return the fractions (S, K) of each sequence's frames that pass each threshold."""
        count = counts_above if self.passes == "above" else counts_within
        values, thresholds = self.per_frame(aligned, rules), self.thresholds(rules)
        table = count(values, aligned.sequence, len(aligned.names), thresholds)
        return np.asarray(table / aligned.frames[:, None])


def counts_above(
    values: Floats, sequence: NDArray[np.int64], count: int, thresholds: Floats
) -> Floats:
    """Count, for each sequence and threshold, the frames whose value is strictly greater.

    Args:
        values: (T,) of all frames of all sequences; NaN counts as below.
        sequence: (T,) which sequence each frame belongs to.
        count: S, number of sequences.
        thresholds: (K,) rising.

    Returns:
        (S, K).
    """
    steps = len(thresholds)
    passed = np.searchsorted(thresholds, values, side="left")
    passed = np.where(np.isnan(values), 0, passed)
    table = np.bincount(sequence * (steps + 1) + passed, minlength=count * (steps + 1))
    table = table.reshape(count, steps + 1)
    # A value that passes m thresholds passes the first m.
    return np.asarray(table[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], dtype=np.float64)


def counts_within(
    values: Floats, sequence: NDArray[np.int64], count: int, thresholds: Floats
) -> Floats:
    """Count, for each sequence and threshold, the frames whose value is at most it: (S, K)."""
    steps = len(thresholds)
    first = np.searchsorted(thresholds, values, side="left")
    first = np.where(np.isnan(values), steps, first)
    table = np.bincount(sequence * (steps + 1) + first, minlength=count * (steps + 1))
    return np.asarray(table.reshape(count, steps + 1)[:, :steps].cumsum(axis=1), dtype=np.float64)


def _overlaps(aligned: Aligned, rules: Convention) -> Floats:
    overlap = aligned.measured(rules.overlap)
    return overlap if rules.valid == "every" else np.where(aligned.missing(rules), -1.0, overlap)


def _errors(aligned: Aligned, rules: Convention) -> Floats:
    error = aligned.measured(centre_error)
    if rules.valid == "every":
        return error
    error = np.where(aligned.missing(rules), -1.0 if rules.invalid_precision else np.inf, error)
    return error if rules.absent_normalised else np.where(aligned.visible, error, np.inf)


def _normalised_errors(aligned: Aligned, rules: Convention) -> Floats:
    error = aligned.measured(rules.normalised)
    if rules.valid == "every":
        return error
    error = np.where(aligned.missing(rules), -1.0, error)
    return error if rules.absent_normalised else np.where(aligned.visible, error, np.inf)


def _success_numbers(curve: Floats, rules: Convention) -> dict[str, float]:
    return {"auc": float(curve.mean()), "op50": float(curve[OP50]), "op75": float(curve[OP75])}


def _normalised_numbers(curve: Floats, rules: Convention) -> dict[str, float]:
    at, mean = float(curve[P20]), float(curve.mean())
    own = at if rules.normalised_score == "at_0.2" else mean
    return {"normalised_precision": own, "normalised_at": at, "normalised_mean": mean}


SUCCESS = Curve(
    name="success",
    thresholds=lambda rules: rules.overlap_thresholds,
    per_frame=_overlaps,
    summary=_success_numbers,
    passes="above",
    columns={"auc": "AUC", "op50": "OP50", "op75": "OP75"},
    legend="auc",
    axis="overlap threshold",
    caption="Success: fraction of frames whose overlap is above the threshold; in brackets the AUC",
)
PRECISION = Curve(
    name="precision",
    thresholds=lambda rules: PIXELS,
    per_frame=_errors,
    summary=lambda curve, rules: {"precision": float(curve[P20])},
    passes="within",
    columns={"precision": "P"},
    legend="precision",
    axis="distance of centres, pixels",
    caption="Precision: fraction of frames whose centre is within the distance; in brackets at 20 "
    "pixels",
)
NORMALISED = Curve(
    name="normalised_precision",
    thresholds=lambda rules: rules.normalised_thresholds,
    per_frame=_normalised_errors,
    summary=_normalised_numbers,
    passes="within",
    columns={"normalised_precision": "Pnorm"},
    legend="normalised_precision",
    axis="distance of centres, sides of the true box",
    caption="Normalised precision; in brackets as the toolkit reports it",
)
COMPLETE = Curve(
    name="complete_success",
    thresholds=lambda rules: OVERLAPS_LINSPACE,
    per_frame=lambda aligned, rules: aligned.measured(complete_overlap),
    summary=lambda curve, rules: {"complete_auc": float(curve.mean())},
    passes="above",
    columns={"complete_auc": "cAUC"},
    legend="complete_auc",
    axis="complete overlap threshold",
    caption="Success of the complete overlap (WebUAV-3M); in brackets the cAUC",
    conventions=frozenset({"mmot"}),
)
CURVES: list[Curve] = [SUCCESS, PRECISION, NORMALISED, COMPLETE]


def curves_of(rules: Convention) -> list[Curve]:
    """Return the metrics of a convention."""
    return [curve for curve in CURVES if curve.applies(rules)]
