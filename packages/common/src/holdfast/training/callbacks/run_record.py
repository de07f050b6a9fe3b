"""Writing ``run.json`` as a run goes on, and its one closing line."""

import contextlib
import json
import platform
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning import Callback, LightningModule, Trainer

from holdfast.atomic import write_text
from holdfast.checkpoints.reading import OWN_KEY
from holdfast.console import say
from holdfast.errors import CheckpointError, DiskError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.identity import Identity
from holdfast.runs.record import (
    command_line,
    git_state,
    hardware,
    package_versions,
    read_record,
)

RUN_KEY = "holdfast_run"
Closing = Callable[[RunDirectory], str]
"""Makes the words about a finished run's result from its files; may be empty."""


class RunRecord(Callback):
    """Write ``run.json`` when a run starts, ends, or breaks off; sign every checkpoint.

    Args:
        directory: the run.
        config: its resolved configuration, as plain values.
        identity: what it computes.
        coordinates: its place in an experiment, as plain values.
        closing: what a finished run says of its result.
    """

    presentation_only = True

    def __init__(
        self,
        directory: RunDirectory,
        config: Mapping[str, Any],
        *,
        identity: Identity,
        coordinates: Mapping[str, Any],
        closing: Closing | None = None,
    ) -> None:
        self.directory = directory
        self.config = dict(config)
        self.identity = identity
        self.coordinates = dict(coordinates)
        self.closing = closing
        self._started = time.monotonic()
        self._launch: dict[str, Any] = {}

    @rank_zero_only
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the launch before the first step."""
        self._started = time.monotonic()
        self._launch = {
            "command": command_line(),
            "started": datetime.now(UTC).isoformat(timespec="microseconds"),
            "identity": self.identity.of_launch(),
            "git": git_state(Path(__file__).parent),
            "packages": package_versions(),
            "python": platform.python_version(),
            "hardware": {
                **hardware(),
                "strategy": type(trainer.strategy).__name__,
                "processes": trainer.world_size,
                "precision": str(trainer.precision),
            },
        }
        self._write(trainer, "running")

    @rank_zero_only
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the first step; Lightning restores its counters only after on_fit_start."""
        self._launch["from_step"] = trainer.global_step
        self._write(trainer, "running")

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put configuration and identity into the checkpoint, so that it says what it is."""
        checkpoint[OWN_KEY] = json.dumps(self.config, default=str)
        checkpoint[RUN_KEY] = {
            "recipe": self.identity.digest,
            "seed": self.identity.seed,
            "identity": self.identity.of_launch(),
            "mixed": list(self.coordinates.get("mixed", [])),
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to resume from another run's checkpoint.

        Raises:
            CheckpointError: the checkpoint says that it belongs to another run.
        """
        found = checkpoint.get(RUN_KEY)
        own = {"recipe": self.identity.digest, "seed": self.identity.seed}
        if isinstance(found, dict) and {name: found.get(name) for name in own} != own:
            raise CheckpointError(
                f"The checkpoint in {self.directory.checkpoints} belongs to another run (recipe "
                f"{found.get('recipe')}, seed {found.get('seed')}; this run is {own['recipe']}, "
                f"seed {own['seed']})."
            )

    @rank_zero_only
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the end and say how it went in one line."""
        self._write(trainer, "finished")
        words = self.closing(self.directory) if self.closing is not None else ""
        seconds = self._launch["wall_seconds"]
        parts = [f"finished at step {trainer.global_step}", *([words] if words else [])]
        best = self.directory.best if self.directory.best.is_file() else self.directory.last
        if best.is_file():
            parts.append(f"checkpoint {best.relative_to(self.directory.path)}")
        say(f"{'; '.join([*parts, f'{seconds:.0f} s'])}; folder {self.directory.path}")

    @rank_zero_only
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Record why the run broke off; the record itself never hides the first error."""
        interrupted = isinstance(exception, KeyboardInterrupt)
        self._launch["error"] = f"{type(exception).__name__}: {exception}"
        with contextlib.suppress(DiskError):
            self._write(trainer, "interrupted" if interrupted else "failed")

    def _write(self, trainer: Trainer, status: str) -> None:
        self._launch["wall_seconds"] = round(time.monotonic() - self._started, 3)
        self._launch["to_step"] = trainer.global_step
        earlier = read_record(self.directory.record).get("launches", [])
        same = [old for old in earlier if old.get("started") != self._launch.get("started")]
        record = {
            "status": status,
            "seed": self.identity.seed,
            "steps": trainer.global_step,
            "coordinates": self.coordinates,
            "identity": self.identity.as_dict(),
            "config": self.config,
            # A run resumed at its last step never starts to train: it began where it ends.
            "launches": [*same, {"from_step": trainer.global_step, **self._launch}],
        }
        write_text(self.directory.record, json.dumps(record, indent=2, default=str) + "\n")
