"""A run directory that is a function of the configuration, not of time."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from holdfast.atomic import write_text
from holdfast.errors import CheckpointError, ConfigError
from holdfast.runs.identity import digest_of, recipe_of
from holdfast.runs.record import read_record
from holdfast.storage import Mirror, is_remote, local_copy

LAST_NAME = "last.ckpt"
BEST_NAME = "best.ckpt"
LONGEST_NAME = 200
"""Bytes of a run's name; its folder has a digest behind it, and file systems take 255."""
# What a run writes into its folder; starting over removes it.
WRITTEN = (
    "checkpoints", "logits", "segments", "derived", "results.jsonl", "table.json",
    "average_over_runs.json",
)  # fmt: skip
STARTED = "started"
"""Status of a run between its folder being emptied and its first step."""

Resume = Literal["auto", "accept", "never", "require"]


@dataclass(kw_only=True)
class RunConfig:
    """Where a run is kept, how it starts, and which place it has in an experiment.

    Args:
        root: folder of all runs, or an address such as ``s3://bucket/runs`` that fsspec knows: the
            run then works in the user's cache and is copied there after each checkpoint.
        name: the experiment; the readable first part of the run directory.
        variant: a name for what sets this run apart from the experiment's plain method, shown in
            reports; sweeps set it.
        point: the hyper-parameters of this run within a search; runs that differ only in these
            keys are averaged, as the points of one method. Sweeps set it.
        resume: ``auto`` resumes from the last checkpoint if there is one and says so, and refuses
            if data, precision or number of processes have changed; ``accept`` resumes in spite of
            that; ``never`` deletes what the run had written and starts over; ``require`` fails
            without a checkpoint.
        checkpoint_every: optimiser steps between saves of ``last.ckpt``; 0 saves after each
            validation only.
        compile: compile the networks with torch.compile, which takes a minute before the first
            step. Sums are rounded otherwise and dropout masks are other ones, so it is part of
            what the run is.
        monitor: logged metric that chooses ``best.ckpt``; empty keeps none.
        monitor_mode: whether larger or smaller values of ``monitor`` are better.
    """

    root: str = "runs"
    name: str = "run"
    variant: str = ""
    point: dict[str, Any] = field(default_factory=dict)
    resume: Resume = "auto"
    checkpoint_every: int = 0
    compile: bool = False
    monitor: str = ""
    monitor_mode: Literal["max", "min"] = "max"


@dataclass(frozen=True, kw_only=True)
class RunDirectory:
    """The files of one run."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Folder of ``last.ckpt`` and ``best.ckpt``."""
        return self.path / "checkpoints"

    @property
    def last(self) -> Path:
        """The checkpoint to resume from."""
        return self.checkpoints / LAST_NAME

    @property
    def best(self) -> Path:
        """The checkpoint with the best monitored metric."""
        return self.checkpoints / BEST_NAME

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def record(self) -> Path:
        """Command, versions, hardware and wall time."""
        return self.path / "run.json"

    @property
    def results(self) -> Path:
        """One JSON line for each evaluation."""
        return self.path / "results.jsonl"

    @property
    def logits(self) -> Path:
        """Folder of saved logits, one file for each evaluation."""
        return self.path / "logits"

    def start_over(self) -> None:
        """Delete what an earlier run wrote here; the record of its launches is kept.

        The record loses its old status first: whatever ends this process, a run without results is
        never called finished.
        """
        record = read_record(self.record)
        if record and record.get("status") != STARTED:
            text = json.dumps({**record, "status": STARTED}, indent=2) + "\n"
            write_text(self.record, text)
        for name in WRITTEN:
            entry = self.path / name
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)

    def resume_path(self, resume: Resume) -> Path | None:
        """Return the checkpoint to start from, or None to start at step 0.

        Raises:
            CheckpointError: ``require`` was asked and there is none.
        """
        if resume != "never" and self.last.is_file():
            return self.last
        if resume == "require":
            raise CheckpointError(
                f"There is no checkpoint at {self.last}: use --run.resume auto to start a new run."
            )
        return None


def run_directory(config: Mapping[str, Any], run: RunConfig) -> RunDirectory:
    """Return the directory of the run that ``config`` describes; nothing is created.

    Raises:
        ConfigError: the run's name is no plain name.
    """
    check_name(run.name)
    digest = digest_of(recipe_of(config))
    name = f"{run.name}-{digest}"
    if is_remote(run.root):
        return RunDirectory(path=local_copy(f"{run.root.rstrip('/')}/{name}") / name)
    return RunDirectory(path=Path(run.root).expanduser() / name)


def run_mirror(directory: RunDirectory, run: RunConfig) -> Mirror | None:
    """Return what keeps a run in step with object storage; None where its root is a folder.

    Raises:
        ConfigError: there is no such storage.
        MissingToolError: its package is not installed.
    """
    if not is_remote(run.root):
        return None
    return Mirror(f"{run.root.rstrip('/')}/{directory.path.name}", directory.path)


def check_name(name: str) -> None:
    """Refuse a run's name that is not one plain folder name.

    Raises:
        ConfigError: it is empty, hidden, too long, or has a separator.
    """
    wrong = name.startswith(".") or any(character in name for character in ("/", "\\", "\0"))
    if not name.strip() or wrong or len(name.encode()) > LONGEST_NAME:
        raise ConfigError(
            f"run.name is {name[:60]!r}, but it must be one folder's name, without separators or a "
            "dot in front: set --run.root for where runs are kept."
        )
