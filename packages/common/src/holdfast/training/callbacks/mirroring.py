"""Copying a run to object storage while it trains."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from holdfast.runs.directory import RunDirectory
from holdfast.storage import Mirror


class CopyCheckpoints(Callback):
    """Copy the run's folder before the first step after each new ``last.ckpt``.

    Args:
        directory: of the run.
        mirror: where it is copied to.
    """

    presentation_only = True

    def __init__(self, directory: RunDirectory, mirror: Mirror) -> None:
        self.directory, self.mirror = directory, mirror
        self._copied = self._state()

    def on_train_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,  # noqa: ANN401  (Lightning's signature)
        batch_idx: int,
    ) -> None:
        """Copy if there is a checkpoint that was not copied."""
        if trainer.is_global_zero and self._state() != self._copied:
            self._copied = self._state()
            self.mirror.push()

    def _state(self) -> int:
        last = self.directory.last
        return last.stat().st_mtime_ns if last.is_file() else 0
