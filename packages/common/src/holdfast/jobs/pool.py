"""A folder of jobs: which there are, in which state, and what to do next."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.jobs.job import STATES, Job, JobFolder, State

MOST_ATTEMPTS = 3
TAKEN = 75
"""Exit status of the runner: another process has the job (EX_TEMPFAIL)."""
ASKED_TO_STOP = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The jobs of one sweep.

    Attributes:
        root: their folders are ``<root>/jobs/<digest>``.
        jobs: in the order they should run.
    """

    root: Path
    jobs: Sequence[Job]

    def folder(self, job: Job) -> JobFolder:
        """Return a job's folder."""
        return JobFolder(path=self.root / "jobs" / job.digest)

    def folders(self) -> list[JobFolder]:
        """Return all folders, in the order of the jobs."""
        return [self.folder(job) for job in self.jobs]

    def describe(self) -> None:
        """Write every job's description."""
        for job in self.jobs:
            self.folder(job).describe(job)

    def counts(self) -> dict[State, int]:
        """Return how many jobs are in each state."""
        found = Counter(folder.state() for folder in self.folders())
        return {state: found.get(state, 0) for state in STATES}

    def open_folders(self) -> list[JobFolder]:
        """Return the folders of jobs that nobody has and that have not ended."""
        return [f for f in self.folders() if f.state() in {"not started", "incomplete"}]

    def retry_failed(self) -> None:
        """Forget all failures."""
        for folder in self.folders():
            if folder.state() == "failed":
                folder.retry()


def run_in_process(folder: JobFolder, environment: dict[str, str] | None = None) -> int:
    """Run one job in a process of its own and wait; a job that keeps dying is marked as failed.

    Returns:
        The exit status of the runner.
    """
    words = [sys.executable, "-m", "holdfast.jobs.runner", str(folder.path)]
    status = subprocess.run(words, env=environment, check=False).returncode
    if status != TAKEN and -status not in ASKED_TO_STOP and folder.state() == "incomplete":
        _judge(folder, status)
    return status


def run_path(path: str) -> int:
    """Run the job of a folder given as text; what Ray and submitit are sent."""
    return run_in_process(JobFolder(path=Path(path)))


def wait_for_others(pool: Pool, seconds: float = 1.0) -> bool:
    """Wait a moment where other sweeps still run jobs of this pool; tell whether there are any."""
    counts = pool.counts()
    if counts["running"]:
        time.sleep(seconds)
    return counts["running"] > 0


def _judge(folder: JobFolder, status: int) -> None:
    """Mark a job that ended without a mark: by an error in its code, or after too many attempts."""
    with folder.claim() as mine:
        if not mine or folder.state_when_mine() != "incomplete":
            return
        if status > 0:
            folder.fail("error", f"{last_line(folder.path / 'log.txt')} (see log.txt)")
        elif int(folder.read("started").get("attempt", 0)) >= MOST_ATTEMPTS:
            folder.fail("attempts", f"its process died {MOST_ATTEMPTS} times (signal {-status})")


def last_line(log: Path) -> str:
    """Return the last line of a log that says something."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "no message")
