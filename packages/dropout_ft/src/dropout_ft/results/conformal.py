"""Sets of classes that hold the true one as often as was asked for (split conformal prediction).

The threshold is a quantile of scores on labelled pictures that were not trained on. New pictures
that are exchangeable with those get sets that hold the true class with at least the wanted
probability, whatever the network. Pictures of another domain are not exchangeable with them: there
nothing is promised, and the report shows what comes out. (Vovk et al. 2005; LAC: Sadinle et al.
2019; APS: Romano et al. 2020, without its randomisation, so that sets are somewhat larger.)
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.table import EvaluationTable
from dropout_ft.results.scores import iid_rows, softmax
from holdfast.errors import ConfigError
from holdfast.seeding import fold_seed

Rule = Literal["LAC", "APS"]
RULES: tuple[Rule, ...] = get_args(Rule)
Floats = NDArray[np.float64]
ROUNDING = 1e-6
"""Sums of single-precision probabilities differ by less; a set is never too small for it."""


@dataclass(frozen=True, kw_only=True)
class Sets:
    """What the sets of a part are like.

    Attributes:
        coverage: fraction of the pictures whose set holds the true class.
        size: mean number of classes in a set.
    """

    coverage: float
    size: float


def class_scores(probabilities: Floats, rule: Rule) -> Floats:
    """Return how little each class conforms: (N, C), smaller scores enter a set first.

    Args:
        probabilities: (N, C).
        rule: ``LAC`` is one minus the probability of the class; ``APS`` the probability of all
            classes that are at least as probable.
    """
    if rule == "LAC":
        return 1 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    total = np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1)
    scores = np.empty_like(total)
    np.put_along_axis(scores, order, total, axis=1)
    return scores


def threshold(scores: Floats, level: float) -> float:
    """Return the finite-sample quantile: the ``ceil((n + 1) level)``-th smallest of n scores.

    Infinite, so that every class enters, where n is too small for the level.

    Args:
        scores: (n,) of the true classes of labelled pictures.
        level: wanted coverage, in (0, 1).

    Raises:
        ConfigError: the level is outside of (0, 1).
    """
    if not 0 < level < 1:
        raise ConfigError(f"The coverage of sets is {level:g}: give one above 0 and below 1.")
    # The product of, say, 10 and 0.9 must not be rounded up to the next whole number.
    place = int(np.ceil((len(scores) + 1) * level - 1e-9))
    return float("inf") if place > len(scores) else float(np.sort(scores)[place - 1])


def fit(logits: np.ndarray, label: NDArray[np.int64], level: float, rule: Rule) -> float:
    """Return the threshold of (N, C) logits with (N,) labels."""
    return threshold(true_class_scores(logits, label, rule), level)


def true_class_scores(logits: np.ndarray, label: NDArray[np.int64], rule: Rule) -> Floats:
    """Return how little the true class of each picture conforms: (N,) of (N, C) logits."""
    scores = class_scores(softmax(logits.astype(np.float64)), rule)
    found: Floats = scores[np.arange(len(label)), label]
    return found


def members(probabilities: Floats, limit: float, rule: Rule) -> NDArray[np.bool_]:
    """Return (N, C) bool: the classes of each set. The most probable class is always one of them.

    Args:
        probabilities: (N, C).
        limit: of :func:`fit`.
        rule: the same as there.
    """
    chosen: NDArray[np.bool_] = class_scores(probabilities, rule) <= limit + ROUNDING
    chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
    return chosen


def measure_sets(
    logits: np.ndarray, table: EvaluationTable, level: float, rule: Rule
) -> tuple[Sets, Sets]:
    """Return what sets are like on the i.i.d. part and on the domains left out.

    For the domains left out the threshold is that of the whole i.i.d. part. For the i.i.d. part
    each half, drawn at random, gets the threshold of the other one: no picture is in a set that its
    own score has shaped.

    Args:
        logits: (N, C), rows of the table, all evaluated.
        table: what was evaluated.
        level: wanted coverage.
        rule: ``LAC`` or ``APS``.
    """
    inside, outside = np.flatnonzero(iid_rows(table)), np.flatnonzero(table.of_test)
    mixed = np.random.default_rng(fold_seed("conformal halves")).permutation(inside)
    halves = mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]
    crossed = [
        _sets(logits[rows], table.label[rows], fit(logits[other], table.label[other], level, rule),
              rule)
        for rows, other in (halves, halves[::-1])
    ]  # fmt: skip
    weights = [len(half) for half in halves]
    whole = fit(logits[inside], table.label[inside], level, rule)
    iid = Sets(
        coverage=float(np.average([one.coverage for one in crossed], weights=weights)),
        size=float(np.average([one.size for one in crossed], weights=weights)),
    )
    return iid, _sets(logits[outside], table.label[outside], whole, rule)


def _sets(logits: np.ndarray, label: NDArray[np.int64], limit: float, rule: Rule) -> Sets:
    if not len(label):
        return Sets(coverage=float("nan"), size=float("nan"))
    chosen = members(softmax(logits.astype(np.float64)), limit, rule)
    right = chosen[np.arange(len(label)), label]
    return Sets(coverage=float(right.mean()), size=float(chosen.sum(axis=1).mean()))
