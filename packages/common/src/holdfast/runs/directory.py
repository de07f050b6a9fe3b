"""A run directory that is a function of the configuration, not of time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from holdfast.errors import CheckpointError
from holdfast.training.callbacks.last_checkpoint import LAST_NAME

# Settings that change how a run is carried out or shown, but not what it computes.
PRESENTATION_KEYS = frozenset(
    {
        "config",
        "ckpt_path",
        "weights_only",
        "run.root",
        "run.resume",
        "run.checkpoint_every",
        "trainer.logger",
        "trainer.callbacks",
        "trainer.default_root_dir",
        "trainer.enable_progress_bar",
        "trainer.enable_model_summary",
        "trainer.enable_checkpointing",
        "trainer.log_every_n_steps",
        "trainer.profiler",
        "trainer.detect_anomaly",
        "trainer.plugins",
        "data.init_args.num_workers",
        "data.num_workers",
        "verbose",
    }
)


@dataclass(kw_only=True)
class RunConfig:
    """Where a run is kept and how it starts.

    Args:
        root: folder of all runs.
        name: readable first part of the run directory.
        resume: ``auto`` resumes from the last checkpoint if there is one and says so; ``never``
            starts over; ``require`` fails without a checkpoint.
        checkpoint_every: optimiser steps between saves of ``last.ckpt``; 0 saves after each
            validation only.
        monitor: logged metric that chooses ``best.ckpt``; empty keeps none.
        monitor_mode: whether larger or smaller values of ``monitor`` are better.
    """

    root: str = "runs"
    name: str = "run"
    resume: Literal["auto", "never", "require"] = "auto"
    checkpoint_every: int = 0
    monitor: str = ""
    monitor_mode: Literal["max", "min"] = "max"


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings into dotted keys; lists and values stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def config_hash(config: Mapping[str, Any]) -> str:
    """Hash what a run computes.

    Settings of presentation (loggers, progress, folders, workers) are left out, and so are absent
    values. Callbacks count only if they change the training: weight averaging does.

    Args:
        config: the resolved configuration of one subcommand.

    Returns:
        Ten hexadecimal digits.
    """
    kept = {
        key: value
        for key, value in flatten(config).items()
        if value is not None
        and not any(key == name or key.startswith(f"{name}.") for name in PRESENTATION_KEYS)
    }
    callbacks = (config.get("trainer") or {}).get("callbacks") or []
    callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
    kept["callbacks"] = [c for c in callbacks if "Averaging" in str(c.get("class_path", ""))]
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


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
        return self.checkpoints / "best.ckpt"

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

    def resume_path(self, resume: Literal["auto", "never", "require"]) -> Path | None:
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
    """Return the directory of the run that ``config`` describes; nothing is created."""
    return RunDirectory(path=Path(run.root).expanduser() / f"{run.name}-{config_hash(config)}")
