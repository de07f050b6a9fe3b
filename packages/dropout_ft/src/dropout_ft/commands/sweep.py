"""``dropout-ft sweep``: many runs on one folder, on this machine or a cluster."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dropout_ft.sweep.apart import keep_sweep_apart
from dropout_ft.sweep.config import read_sweep_config
from dropout_ft.sweep.expand import jobs_of, lines
from dropout_ft.sweep.running import run_jobs, settings_of
from holdfast.console import readable, say
from holdfast.jobs.engines import Engine, Resources, choose
from holdfast.jobs.job import Job
from holdfast.jobs.pool import Pool
from holdfast.jobs.progress import status_of
from holdfast.outputs import keep_apart


def sweep(
    plan: str,
    *,
    out: str | None = None,
    engine: Engine = "auto",
    workers: int = 1,
    cpus: int = 0,
    gpus: float = 0.0,
    address: str | None = None,
    partition: str | None = None,
    minutes: int = 24 * 60,
    time_limit: float = 0.0,
    dry_run: bool = False,
    retry_failed: bool = False,
    share_stream: bool = False,
    set: list[str] = [],  # noqa: A002, B006  (the word users expect)
) -> None:
    """Run every job of a sweep that is not done; the same command goes on where it stopped.

    Several sweeps may work on one folder: a job is claimed by a lock, and a dead worker's job is
    picked up again and resumes from its last checkpoint.

    Args:
        plan: YAML of the sweep; configs/sweeps has examples.
        out: its folder; by default ``results/sweeps/`` and the file's name.
        engine: ``ray`` (a local cluster, or ``address``), ``slurm``, ``processes``; ``auto`` is Ray
            where it is installed.
        workers: jobs at the same time; on a GPU or cluster 0 leaves that to Ray or Slurm.
        cpus: cores of one job; 0 shares the machine's out.
        gpus: share of a GPU for one job; 0.25 puts four on one. 0 gives each of several workers
            one GPU where there are any.
        address: of a Ray cluster.
        partition: of Slurm.
        minutes: longest time of a Slurm job.
        time_limit: minutes after which a job is ended and marked as failed; 0 sets no limit.
        dry_run: print the jobs, their states and the expected cost; run nothing.
        retry_failed: forget failures and try those jobs again.
        share_stream: jobs of one seed that run at the same time on one machine decode and augment
            each batch once, bit for bit as each would alone (docs/sweeps.md).
        set: further settings of every run, as ``key=value``; they come after those of the file.
    """
    found = read_sweep_config(plan)
    found.set = {**found.set, **settings_of(set)}
    place = out or f"results/sweeps/{Path(plan).stem}"
    keep_apart([place], [plan])
    folder = Path(place).expanduser()
    engine = engine if dry_run else choose(engine)
    pool = Pool(root=folder, jobs=jobs_of(found), many_a_process=engine == "processes")
    keep_sweep_apart(folder, found)
    if dry_run:
        sys.stdout.write(plan_text(pool, workers))
        return
    if retry_failed:
        pool.retry_failed()
    resources = Resources(
        workers=workers, cpus=cpus, gpus=gpus, address=address, partition=partition,
        minutes=minutes, job_seconds=60 * time_limit,
    )  # fmt: skip
    say(f"{len(pool.jobs)} jobs in {folder}, on {engine}")
    with shared_stream(folder) if share_stream else contextlib.nullcontext():
        run_jobs(pool, engine, resources, again="run the sweep again with --retry_failed")
    sys.stdout.write(f"all done: dropout-ft report {folder}\n")


def plan_text(pool: Pool, workers: int) -> str:
    """Return the jobs with their states, and what they will cost as far as it is known."""
    states = [folder.state() for folder in pool.folders()]
    rows = [f"{state:<12} {line}" for state, line in zip(states, lines(pool.jobs), strict=True)]
    status = status_of(pool, workers)
    left = sum(n for state, n in status.counts.items() if state not in {"done", "failed"})
    cost = f"{len(pool.jobs)} jobs, {left} to run"
    steps = [
        steps_of(job)
        for job, state in zip(pool.jobs, states, strict=True)
        if state not in {"done", "failed"}
    ]
    if None in steps:
        cost += ", steps unknown"
    elif steps:
        cost += f", {sum(one for one in steps if one)} optimiser steps"
    seconds = readable(status.seconds_left)
    if seconds == "-":
        cost += ", time unknown until one is done"
    else:
        cost += f", about {seconds} at the mean of those done"
    return "\n".join([*rows, cost]) + "\n"


def steps_of(job: Job) -> int | None:
    """Return the optimiser steps of a job, as its settings say, or its files.

    None where neither says it in plain numbers: it may be interpolated or stand in another file.
    """
    steps: Any = None
    for file in job.locations["files"]:
        content = yaml.safe_load(Path(file).read_text()) or {}
        trainer = content.get("trainer") if isinstance(content, dict) else None
        if isinstance(trainer, dict):
            steps = trainer.get("max_steps", steps)
        elif trainer is not None:
            steps = trainer  # a file's name
    for setting in job.arguments["settings"]:
        key, _, value = setting.partition("=")
        if key in {"--trainer.max_steps", "--trainer"}:
            steps = value
    text = str(steps)
    return int(text) if text.isdecimal() else None


@contextlib.contextmanager
def shared_stream(folder: Path) -> Iterator[None]:
    """Let the jobs started meanwhile read each other's batches; nothing is left behind."""
    from holdfast.training.shared_batches import (
        STREAM,
        stream_folder,
    )

    stream = stream_folder(folder)
    os.environ[STREAM] = str(stream)
    try:
        yield
    finally:
        del os.environ[STREAM]
        shutil.rmtree(stream, ignore_errors=True)
