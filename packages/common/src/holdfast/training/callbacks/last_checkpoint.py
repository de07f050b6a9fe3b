"""The checkpoint a run resumes from, and the sentence that says so when it stops early."""

from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from holdfast.console import say
from holdfast.errors import CheckpointError
from holdfast.runs.directory import LAST_NAME
from holdfast.training.callbacks.last_step import is_last_step


class LastCheckpoint(Checkpoint):
    """Save ``last.ckpt`` every so many steps, after every validation and at the end.

    At a step that is also validated, only the save after the validation happens: resuming from a
    state between the step and its validation would skip the validation and lose its scores.

    Args:
        folder: the run's checkpoint folder.
        every_n_steps: optimiser steps between saves; 0 saves after validations only.
    """

    presentation_only = True

    def __init__(self, folder: str | Path, *, every_n_steps: int = 0) -> None:
        super().__init__()
        self.path = Path(folder) / LAST_NAME
        self.every_n_steps = every_n_steps
        self._saved_step = -1

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401  (Lightning's signature)
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Save at the chosen steps, unless a validation follows at once."""
        step = trainer.global_step
        if not self.every_n_steps or step in {0, self._saved_step} or step % self.every_n_steps:
            return  # with accumulated gradients several batches share a step, the first ones step 0
        if not self._validates_next(trainer):
            self._save(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save after the scores of a validation are recorded."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last step of a run that validates nothing."""
        if trainer.global_step not in {0, self._saved_step}:
            self._save(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Say how to go on; nothing is saved here, because a step may be half done."""
        if isinstance(exception, CheckpointError):
            return  # its own sentence says what to do about the checkpoint
        if self.path.is_file():
            say(
                f"Stopped at step {trainer.global_step}. {self.path} is whole: "
                "run the same command again to resume from it."
            )
        else:
            say(
                f"Stopped at step {trainer.global_step}, before the first checkpoint: "
                "running the same command again starts from the beginning."
            )

    @staticmethod
    def _validates_next(trainer: Trainer) -> bool:
        if not trainer.enable_validation:
            return False
        if is_last_step(trainer) or trainer.should_stop:
            return True
        interval = trainer.val_check_batch
        if not isinstance(interval, int):
            return False
        return (trainer.fit_loop.total_batch_idx + 1) % interval == 0

    def _save(self, trainer: Trainer) -> None:
        self._saved_step = trainer.global_step
        trainer.save_checkpoint(self.path)
