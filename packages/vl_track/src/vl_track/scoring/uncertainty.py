"""How sure a score is: bootstrap over sequences, and paired comparison of two trackers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SAMPLES = 10_000
BLOCK = 500
EXACT = 14
"""Sequences up to which every pattern of signs is tried."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and the interval that holds it, in the unit of the values.

    Attributes:
        mean: over sequences.
        low: lower end.
        high: upper end.
        level: coverage, for example 0.95.
    """

    mean: float
    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One tracker minus another on the same sequences.

    Attributes:
        difference: mean over sequences, with its bootstrap interval.
        p_value: of the sign-flip test: how often a difference at least as large arises, in either
            direction, if it is chance which of the two trackers a sequence favours.
        better: sequences on which the first is better.
        worse: sequences on which it is worse.
        least_p: the smallest p-value that so few sequences, or so many patterns, can give.
    """

    difference: Interval
    p_value: float
    better: int
    worse: int
    least_p: float


def bootstrap(
    values: Floats, *, level: float = 0.95, samples: int = SAMPLES, seed: int = 0
) -> Interval:
    """Return the percentile bootstrap interval of a mean over sequences.

    Args:
        values: (S,) one score a sequence.
        level: coverage.
        samples: resamplings.
        seed: of the resampling.

    Raises:
        ValueError: there are no values.
    """
    if len(values) == 0:
        raise ValueError("no sequences to resample")
    generator = np.random.default_rng(seed)
    count = len(values)
    means = np.concatenate(
        [
            values[generator.integers(0, count, (min(BLOCK, samples - done), count))].mean(axis=1)
            for done in range(0, samples, BLOCK)
        ]
    )
    tail = 50 * (1 - level)
    low, high = np.percentile(means, [tail, 100 - tail])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high), level=level)


def compare(one: Floats, other: Floats, *, samples: int = SAMPLES, seed: int = 0) -> Comparison:
    """Compare two trackers by their scores on the same sequences.

    Up to 14 sequences every pattern of signs is tried, so the p-value is exact; above, ``samples``
    patterns are drawn and the p-value is (hits + 1) / (samples + 1), never zero.

    Args:
        one: (S,) scores of the first tracker.
        other: (S,) of the second, in the same order.
        samples: patterns.
        seed: of the patterns and of the bootstrap.

    Raises:
        ValueError: the shapes differ, or there are no values.
    """
    if one.shape != other.shape:
        raise ValueError(f"{one.shape} and {other.shape} are not scores of the same sequences")
    gaps = np.asarray(one - other)
    return Comparison(
        difference=bootstrap(gaps, samples=samples, seed=seed),
        p_value=_sign_flip(gaps, samples, seed),
        better=int((gaps > 0).sum()),
        worse=int((gaps < 0).sum()),
        least_p=2.0 ** (1 - len(gaps)) if len(gaps) <= EXACT else 1 / (samples + 1),
    )


def share_interval(hits: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; the whole range where nothing was counted."""
    if not count:
        return 0.0, 1.0
    z = 1.959964
    middle = (hits + z * z / 2) / (count + z * z)
    reach = z / (count + z * z) * float(np.sqrt(hits * (count - hits) / count + z * z / 4))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _sign_flip(gaps: Floats, samples: int, seed: int) -> float:
    count = len(gaps)
    observed = abs(gaps.sum()) * (1 - 1e-12)
    if count <= EXACT:
        patterns = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return float((np.abs((1 - 2 * patterns) @ gaps) >= observed).mean())
    generator = np.random.default_rng(seed)
    hits = 0
    for done in range(0, samples, BLOCK):
        signs = 1 - 2 * generator.integers(0, 2, (min(BLOCK, samples - done), count))
        hits += int((np.abs(signs @ gaps) >= observed).sum())
    return (hits + 1) / (samples + 1)
