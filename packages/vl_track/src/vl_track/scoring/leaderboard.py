"""Ranks of many trackers: how sure they are, and how they change with the convention."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from vl_track.scoring.analysis import Analysis, Scored
from vl_track.scoring.uncertainty import BLOCK, compare

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One tracker's place.

    Attributes:
        scored: its scores; ``scored.auc`` has the interval of its mean AUC.
        rank: by mean AUC under the chosen convention, from 1.
        rank_low: best rank in 95 % of the resamplings of the sequences.
        rank_high: worst rank in them.
        p_next: of the paired test against the tracker one place below, corrected for all these
            tests by Holm's method; ``None`` for the last.
        ranks: rank under every toolkit's rules, by its title.
    """

    scored: Scored = field(repr=False)
    rank: int
    rank_low: int
    rank_high: int
    p_next: float | None
    ranks: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How alike two toolkits rank the trackers.

    Attributes:
        toolkits: their titles.
        swapped: pairs of trackers whose order differs.
        pairs: of trackers.
    """

    toolkits: tuple[str, str]
    swapped: tuple[tuple[str, str], ...]
    pairs: int


def standings(analysis: Analysis, *, samples: int = 10_000, seed: int = 0) -> list[Standing]:
    """Rank the trackers of an analysis, the best first.

    Ranks go by the mean over sequences of the AUC under the analysis' convention; equal trackers
    share the better rank.

    Args:
        analysis: of the trackers, on the same sequences.
        samples: resamplings of the sequences, and patterns of the tests.
        seed: of both.
    """
    found = sorted(analysis.trackers, key=lambda one: -one.auc.mean)
    aucs = np.stack([one.scores.sequence_auc() for one in found])
    lows, highs = rank_intervals(aucs, samples=samples, seed=seed)
    tests = [compare(a, b, samples=samples, seed=seed).p_value for a, b in pairwise(aucs)]
    places = ranks_of([one.auc.mean for one in found])
    toolkits = {
        title: ranks_of([one.by_convention[title]["auc"] for one in found])
        for title in found[0].by_convention
    }
    return [
        Standing(
            scored=one,
            rank=places[k],
            rank_low=int(lows[k]),
            rank_high=int(highs[k]),
            p_next=p_next,
            ranks={title: ranks[k] for title, ranks in toolkits.items()},
        )
        for k, (one, p_next) in enumerate(zip(found, [*holm(tests), None], strict=True))
    ]


def agreements(found: Sequence[Standing]) -> list[Agreement]:
    """Compare every two toolkits by the pairs of trackers that they order differently."""
    pairs = list(combinations(found, 2))
    return [
        Agreement(
            toolkits=(one, other),
            swapped=tuple(
                (a.scored.tracker, b.scored.tracker)
                for a, b in pairs
                if (a.ranks[one] - b.ranks[one]) * (a.ranks[other] - b.ranks[other]) < 0
            ),
            pairs=len(pairs),
        )
        for one, other in combinations(found[0].ranks, 2)
    ]


def ranks_of(values: Sequence[float]) -> list[int]:
    """Return each value's rank, from 1 for the largest; equal values share the better rank."""
    array = np.asarray(values, np.float64)
    return [int((array > value).sum()) + 1 for value in array]


def rank_intervals(
    aucs: Floats, *, level: float = 0.95, samples: int = 10_000, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ranks (T,) that hold each tracker's rank when the sequences are drawn again.

    Args:
        aucs: (T, S) of T trackers on S sequences.
        level: coverage.
        samples: resamplings.
        seed: of them.

    Returns:
        The best and the worst rank of each tracker, from 1.
    """
    generator = np.random.default_rng(seed)
    trackers, sequences = aucs.shape
    ranks = []
    for done in range(0, samples, BLOCK):
        drawn = generator.integers(0, sequences, (min(BLOCK, samples - done), sequences))
        means = aucs[:, drawn].mean(axis=2)
        ranks.append((means[None] > means[:, None]).sum(axis=1) + 1)
    every = np.concatenate(ranks, axis=1)
    tail = 50 * (1 - level)
    low = np.percentile(every, tail, axis=1, method="lower")
    high = np.percentile(every, 100 - tail, axis=1, method="higher")
    return low.reshape(trackers).astype(np.int64), high.reshape(trackers).astype(np.int64)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's step-down method."""
    order = np.argsort(p_values, kind="stable")
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for position, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - position) * p_values[index]))
        corrected[index] = largest
    return corrected
