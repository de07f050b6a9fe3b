"""A folder of jobs: which there are, and in which state."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.jobs.job import STATES, Job, JobFolder, State


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The jobs of one command.

    Attributes:
        root: their folders are ``<root>/jobs/<digest>``.
        jobs: in the order they should run.
        many_a_process: a worker's process does one job after the other, and keeps what the jobs
            open (a model, a data set); otherwise every job has a process of its own.
    """

    root: Path
    jobs: Sequence[Job]
    many_a_process: bool = False

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

    def ended(self) -> int:
        """Return how many jobs are done or have failed."""
        return sum(folder.state() in {"done", "failed"} for folder in self.folders())

    def retry_failed(self) -> None:
        """Forget all failures."""
        for folder in self.folders():
            if folder.state() == "failed":
                folder.retry()


def wait_for_others(pool: Pool, seconds: float = 1.0) -> bool:
    """Wait a moment where other commands still run jobs of this pool; tell whether there are any.

    A job may also have become free again since it was looked for.
    """
    counts = pool.counts()
    if counts["running"]:
        time.sleep(seconds)
    return counts["running"] + counts["incomplete"] + counts["not started"] > 0
