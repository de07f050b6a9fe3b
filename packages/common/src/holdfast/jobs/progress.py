"""What a sweep shows while it runs: counts, expected end, the best so far."""

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from holdfast.console import readable
from holdfast.jobs.job import State
from holdfast.jobs.pool import Pool

Best = Callable[[list[dict[str, float]]], str]
"""From the results of finished jobs to a short text about the best of them."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """A moment of a sweep.

    Attributes:
        counts: jobs in each state.
        seconds_left: expected; nan before the first job is done.
        best: a short text.
        failures: name and sentence of each failed job.
    """

    counts: dict[State, int]
    seconds_left: float
    best: str
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def line(self) -> str:
        """All of it in one line."""
        total = sum(self.counts.values())
        parts = [f"{self.counts['done']}/{total} done"]
        parts += [f"{n} {state}" for state, n in self.counts.items() if n and state not in {"done"}]
        if self.counts["done"] < total and not np.isnan(self.seconds_left):
            parts.append(f"about {readable(self.seconds_left)} left")
        return ", ".join(parts) + (f"; {self.best}" if self.best else "")


def status_of(pool: Pool, workers: int, best: Best | None = None) -> Status:
    """Look at a pool.

    Args:
        pool: of jobs.
        workers: jobs at the same time, for the expected end.
        best: makes the text about the best.
    """
    counts = pool.counts()
    done = [folder.read("done") for folder in pool.folders()]
    seconds = [float(record["seconds"]) for record in done if "seconds" in record]
    results = [record["result"] for record in done if record.get("result")]
    remaining = counts["running"] + counts["incomplete"] + counts["not started"]
    left = float(np.mean(seconds)) * remaining / max(1, workers) if seconds else float("nan")
    failures = [
        (job.name, str(pool.folder(job).read("failed").get("sentence")))
        for job in pool.jobs
        if pool.folder(job).read("failed")
    ]
    text = best(results) if best is not None and results else ""
    return Status(counts=counts, seconds_left=left, best=text, failures=failures)


def watch(changes: Iterable[None], look: Callable[[], Status], *, every: float = 10.0) -> Status:
    """Show the status while ``changes`` goes on: live in a terminal, else a line now and then.

    Args:
        changes: the running engine.
        look: takes the status.
        every: least seconds between lines where there is no terminal.

    Returns:
        The last status.
    """
    console = Console()
    status = look()
    if console.is_terminal:
        with Live(status_table(status), console=console, refresh_per_second=2) as live:
            for _ in changes:
                live.update(status_table(look()))
        return look()
    shown, last = "", -math.inf  # the clock may count from a start less than ``every`` ago
    for _ in changes:
        if time.monotonic() - last < every:
            continue
        status, last = look(), time.monotonic()
        if status.line != shown:
            shown = status.line
            sys.stdout.write(f"{shown}\n")
            sys.stdout.flush()
    status = look()
    if status.line != shown:
        sys.stdout.write(f"{status.line}\n")
    return status


def status_table(status: Status) -> Table:
    """Return the status as a table for a terminal."""
    table = Table(show_header=False)
    for state, count in status.counts.items():
        table.add_row(state, str(count))
    table.add_row("time left", readable(status.seconds_left))
    table.add_row("best so far", status.best or "-")
    for name, sentence in status.failures[-3:]:
        table.add_row(f"failed: {name}", sentence)
    return table
