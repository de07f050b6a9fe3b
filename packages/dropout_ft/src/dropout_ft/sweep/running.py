"""Running a sweep's jobs and finding their runs; ``compare`` and ``advise`` are sweeps too."""

import sys
from collections.abc import Sequence
from pathlib import Path

from dropout_ft.sweep.training import best_of
from dropout_ft.sweep.unchanged import check_data
from holdfast.console import say
from holdfast.errors import ConfigError, HoldfastError
from holdfast.jobs.engines import Engine, Resources, run_pool
from holdfast.jobs.pool import Pool
from holdfast.jobs.progress import status_of, watch


class SweepFailedError(HoldfastError):
    """Some jobs of a sweep failed; the others are done."""


def run_jobs(pool: Pool, engine: Engine, resources: Resources, *, again: str) -> None:
    """Run every job of a pool that is not done, showing how far it is.

    Args:
        pool: of jobs.
        engine: where they run.
        resources: of each worker.
        again: the words that go on after a failure, for the message.

    Raises:
        SweepFailedError: some job failed; each is named.
        ConfigError: the data of a finished job have changed since.
    """
    check_data(pool)
    pool.describe()
    workers = max(1, resources.workers)
    status = watch(run_pool(pool, engine, resources), lambda: status_of(pool, workers, best_of))
    for name, sentence in status.failures:
        sys.stderr.write(f"failed: {name}: {sentence}\n")
    if status.failures:
        raise SweepFailedError(
            f"{len(status.failures)} of {len(pool.jobs)} runs in {pool.root} failed, listed above; "
            f"the others are done. Mend the cause, then {again}."
        )


def runs_of(pool: Pool) -> list[Path]:
    """Return the folder of each finished job's run, in the order of the jobs."""
    found = []
    for job in pool.jobs:
        records = sorted(pool.folder(job).path.glob("*/run.json"))
        if len(records) != 1:
            say(f"note: {job.name} has {len(records)} runs in {pool.folder(job).path}.")
        found += [record.parent for record in records]
    return found


def settings_of(words: Sequence[str]) -> dict[str, str]:
    """Return ``key=value`` words as a mapping.

    Raises:
        ConfigError: a word has no ``=``.
    """
    found = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator:
            raise ConfigError(f"--set takes key=value, and '{word}' has no '='.")
        found[key] = value
    return found
