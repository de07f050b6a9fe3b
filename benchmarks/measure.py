"""Timing in alternation: medians with spread, so that a busy machine slows both sides alike."""

import contextlib
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from holdfast.runs.record import hardware

CPU_TIME = "HOLDFAST_BENCH_CPU"
"""Set it to count seconds of CPU, on a machine that does other work beside the measurement."""
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
        most_megabytes: memory to stay below, 0 if none is asked for.
    """

    path: str
    unit: str
    peer: str
    ours: list[float]
    theirs: list[float]
    aim: float
    note: str
    floor: float = 0.0
    most_megabytes: float = 0.0

    @property
    def megabytes(self) -> tuple[float, float]:
        """Peak resident memory of ours and of theirs; 0 where it is not known."""
        sides = (getattr(side, "megabytes", 0.0) for side in (self.ours, self.theirs))
        ours, theirs = sides
        return ours, theirs

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
        small = not self.most_megabytes or self.megabytes[0] <= self.most_megabytes
        return small and self.ratio >= (self.aim if self.theirs else 1.0)


@dataclass(kw_only=True)
class Results:
    """What a benchmark found.

    Attributes:
        rows: measured.
        skipped: path and reason of what could not be measured.
    """

    rows: list[Row] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


class Rounds(list[float]):
    """Seconds a unit, one for each round, with the memory they took.

    Attributes:
        megabytes: peak resident memory of the process that did the rounds, 0 if not known.
    """

    megabytes: float = 0.0


def alternate(
    ours: Seconds, theirs: Seconds | None, rounds: int, *, peer: int | None = None
) -> tuple[Rounds, Rounds]:
    """Run both sides in turn, once to warm up, then so many rounds.

    Args:
        ours: one round.
        theirs: the peer's.
        rounds: how many.
        peer: process that the peer runs in; this one if none is given.
    """
    first, second = Rounds(), Rounds()
    for number in range(rounds + 1):
        for side, found, process in ((ours, first, None), (theirs, second, peer)):
            if side is None:
                continue
            forget_peak(process)
            seconds = side()
            if number:
                found.append(seconds)
                found.megabytes = max(found.megabytes, peak_megabytes(process))
    return first, second


def forget_peak(process: int | None = None) -> None:
    """Let a process's peak memory start anew at what it holds now; Linux only, else nothing."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process or 'self'}/clear_refs").write_text("5")


def peak_megabytes(process: int | None = None) -> float:
    """Return a process's peak resident memory; 0 where the kernel does not tell."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process or 'self'}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


_LOOK = 0.005
"""Seconds between looks at a command's memory."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command did.

    Attributes:
        seconds: from start to end.
        megabytes: peak resident memory of its process, without those it starts.
        cpu: seconds of all its processes.
        said: its stdout and stderr.
    """

    seconds: float
    megabytes: float
    cpu: float
    said: str


def run_command(words: list[str], environment: dict[str, str] | None = None) -> Done:
    """Run a command to its end.

    Raises:
        Skip: it fails; its last words are the reason.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, env=environment)
        megabytes, ended = 0.0, 0
        while not ended:
            # Not ru_maxrss: a child begins with the peak of the process that started it.
            megabytes = max(megabytes, peak_megabytes(process.pid))
            time.sleep(_LOOK)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise Skip(f"{words[0]} failed: {(text.strip().splitlines() or ['?'])[-1]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Done(seconds=seconds, megabytes=megabytes, cpu=cpu, said=text)


def commands(done: list[Done]) -> Rounds:
    """Return the rounds of a command that ran several times."""
    cpu = bool(os.environ.get(CPU_TIME))
    found = Rounds(one.cpu if cpu else one.seconds for one in done)
    found.megabytes = max(one.megabytes for one in done)
    return found


def each(work: Callable[[], object], count: int) -> float:
    """Return the seconds of one call, over so many, by :func:`clock`."""
    start = clock()
    for _ in range(count):
        work()
    return (clock() - start) / count


def clock() -> float:
    """Return seconds: the wall's, or this process's of CPU where :data:`CPU_TIME` is set."""
    return time.process_time() if os.environ.get(CPU_TIME) else time.perf_counter()


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
