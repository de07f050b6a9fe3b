"""Timing in alternation: medians with spread, so that a busy machine slows both sides alike."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from holdfast.runs.record import hardware

Seconds = Callable[[], float]
"""Does one round of work and returns the seconds one unit of it took."""


class Skip(Exception):  # noqa: N818  (no error: a peer or its data is not here)
    """A path cannot be measured here; the message says why and what would mend it."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        path: what was measured.
        unit: of work.
        peer: whom against.
        ours: seconds a unit, one for each round.
        theirs: the same; empty where there is no peer.
        aim: ratio to reach, or seconds where there is no peer.
        note: how it was made.
        floor: seconds a unit that the machine's arithmetic or memory allows, 0 if not known.
    """

    path: str
    unit: str
    peer: str
    ours: list[float]
    theirs: list[float]
    aim: float
    note: str
    floor: float = 0.0

    @property
    def ratio(self) -> float:
        """Median of the rounds' ratios; seconds against the aim where there is no peer."""
        if not self.theirs:
            return self.aim / statistics.median(self.ours)
        return statistics.median(b / a for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def spread(self) -> tuple[float, float]:
        """Least and greatest ratio of a round."""
        if not self.theirs:
            return self.aim / max(self.ours), self.aim / min(self.ours)
        found = [b / a for a, b in zip(self.ours, self.theirs, strict=True)]
        return min(found), max(found)

    @property
    def reached(self) -> bool:
        """Whether the aim is reached."""
        return self.ratio >= (self.aim if self.theirs else 1.0)


@dataclass(kw_only=True)
class Results:
    """What a benchmark found.

    Attributes:
        rows: measured.
        skipped: path and reason of what could not be measured.
    """

    rows: list[Row] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def alternate(
    ours: Seconds, theirs: Seconds | None, rounds: int
) -> tuple[list[float], list[float]]:
    """Run both sides in turn, once to warm up, then so many rounds."""
    first: list[float] = []
    second: list[float] = []
    for number in range(rounds + 1):
        mine = ours()
        other = theirs() if theirs is not None else None
        if number == 0:
            continue
        first.append(mine)
        if other is not None:
            second.append(other)
    return first, second


def each(work: Callable[[], object], count: int) -> float:
    """Return the seconds of one call, over so many."""
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


def machine() -> dict[str, Any]:
    """Describe the machine and how busy it was."""
    return {
        **hardware(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def flops_per_second(size: int = 1024, count: int = 6) -> float:
    """Measure the rate of float32 matrix products, the floor's unit."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    return 2 * size**3 / min(each(lambda: a @ b, 1) for _ in range(count))
