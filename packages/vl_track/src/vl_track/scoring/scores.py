"""Scores of one tracker on one benchmark: the one evaluator, under one convention or several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vl_track.data.truth import TrueSequence
from vl_track.scoring.alignment import Aligned, align, needs_nothing
from vl_track.scoring.conventions import Convention
from vl_track.scoring.curves import SUCCESS, curves_of

Floats = NDArray[np.float64]
SEQUENCES_PER_BATCH = 16
"""Sequences scored at once: so many frames fit into a processor's cache."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Curves of every sequence, in fractions of its frames.

    Attributes:
        rules: the convention.
        names: of the sequences.
        frames: (S,) counted.
        curves: (S, K) by the name of the metric.
    """

    rules: Convention
    names: tuple[str, ...]
    frames: NDArray[np.int64] = field(repr=False)
    curves: Mapping[str, Floats] = field(repr=False)

    def mean_curves(self, chosen: NDArray[np.int64] | None = None) -> dict[str, Floats]:
        """Return each metric's curve (K,), averaged over sequences.

        Args:
            chosen: indices of sequences, possibly repeated; all by default.
        """
        picked = slice(None) if chosen is None else chosen
        return {name: self._mean(curve[picked]) for name, curve in self.curves.items()}

    def figures(self, chosen: NDArray[np.int64] | None = None) -> dict[str, float]:
        """Return the numbers of all metrics in percent, of all or some sequences."""
        found: dict[str, float] = {}
        mean = self.mean_curves(chosen)
        for curve in curves_of(self.rules):
            found |= curve.summary(100 * mean[curve.name], self.rules)
        return found

    def sequence_auc(self) -> Floats:
        """Return the AUC (S,) of every sequence in percent."""
        return np.asarray(100 * self.curves[SUCCESS.name].mean(axis=1))

    def auc(self, chosen: NDArray[np.int64]) -> float:
        """Return the AUC of some sequences in percent."""
        return float((100 * self._mean(self.curves[SUCCESS.name][chosen])).mean())

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
    """Score a tracker under one convention.

    Args:
        truths: the sequences that count.
        predictions: boxes (T, 4) by name of sequence; those of other sequences are not read.
        rules: see :func:`vl_track.scoring.conventions.convention`.
        strict: refuse what the toolkit refuses; see :func:`vl_track.scoring.alignment.align`.

    Raises:
        DataError: a result is missing, or one the toolkit would refuse.

    Examples:
        >>> boxes = np.array([[10.0, 10, 40, 20], [12, 11, 40, 20]])
        >>> truth = TrueSequence(name="cup", boxes=boxes)
        >>> found = score([truth], {"cup": boxes}, convention("pytracking"))  # doctest: +SKIP
        >>> round(found.figures()["auc"], 3)                                  # doctest: +SKIP
        95.238
    """
    (found,) = score_all(truths, predictions, [(rules, strict)])
    return found


def score_all(
    truths: Sequence[TrueSequence],
    predictions: Mapping[str, Floats],
    conventions: Sequence[tuple[Convention, bool]],
) -> list[Scores]:
    """Score a tracker under several conventions, which share what they compute alike.

    Args:
        truths: the sequences that count.
        predictions: boxes (T, 4) by name.
        conventions: each with whether to refuse what its toolkit refuses.
    """
    parts: list[list[Scores]] = [[] for _ in conventions]
    for start in range(0, max(1, len(truths)), SEQUENCES_PER_BATCH):
        some = truths[start : start + SEQUENCES_PER_BATCH]
        alike = needs_nothing(some, predictions)
        aligned: dict[object, Aligned] = {}
        for number, (rules, strict) in enumerate(conventions):
            key: object = (rules.hidden == "left_out", rules.first)
            if not alike:
                key = (key, rules.valid == "every", rules.lengths, rules.repairs, strict)
            if key not in aligned:
                aligned[key] = align(some, predictions, rules, strict=strict)
            parts[number].append(_score_some(aligned[key], rules))
    return [_joined(part) for part in parts]


def _score_some(aligned: Aligned, rules: Convention) -> Scores:
    curves = {curve.name: curve.of(aligned, rules) for curve in curves_of(rules)}
    return Scores(rules=rules, names=aligned.names, frames=aligned.frames, curves=curves)


def _joined(parts: Sequence[Scores]) -> Scores:
    return Scores(
        rules=parts[0].rules,
        names=tuple(name for part in parts for name in part.names),
        frames=np.concatenate([part.frames for part in parts]),
        curves={
            name: np.concatenate([part.curves[name] for part in parts]) for name in parts[0].curves
        },
    )
