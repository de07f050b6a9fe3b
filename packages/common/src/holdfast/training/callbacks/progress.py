"""A progress bar on a terminal, plain lines in a file or a pipe."""

import sys
import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import RichProgressBar

from holdfast.console import readable, say


class StepProgressBar(RichProgressBar):
    """Lightning's rich bar, counting towards ``max_steps`` instead of an endless epoch."""

    presentation_only = True

    @property
    def total_train_batches(self) -> int | float:
        """Batches of the whole run; our loaders have no length of their own."""
        if self.trainer.max_steps > 0:
            return self.trainer.max_steps * self.trainer.accumulate_grad_batches
        return super().total_train_batches

    def _get_train_description(self, current_epoch: int) -> str:
        """Name the bar; a run of ``max_steps`` has no number of epochs to count to."""
        if self.trainer.max_epochs is not None and self.trainer.max_epochs > 0:
            return str(super()._get_train_description(current_epoch))
        return f"{'Training':{len(self.validation_description)}}"


class LineProgress(Callback):
    """One line every so many seconds: step, loss, speed, time left.

    A bar redraws itself with control characters and prints nothing useful into a log file.

    Args:
        every_seconds: least time between lines.
    """

    presentation_only = True

    def __init__(self, *, every_seconds: float = 20.0) -> None:
        self.every_seconds = every_seconds
        self._started = 0.0
        self._first_step = 0
        self._printed = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started = self._printed = time.monotonic()
        self._first_step = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401  (Lightning's signature)
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Print a line when it is time."""
        now = time.monotonic()
        if now - self._printed < self.every_seconds:
            return
        self._printed = now
        steps_per_second = (trainer.global_step - self._first_step) / (now - self._started)
        say(self.line(trainer, steps_per_second))

    @staticmethod
    def line(trainer: Trainer, steps_per_second: float) -> str:
        """Describe the run at ``steps_per_second`` steps a second."""
        parts = [f"step {trainer.global_step}/{trainer.max_steps}"]
        loss = trainer.callback_metrics.get("train/loss")
        if loss is not None:
            parts.append(f"loss {float(loss):.4f}")
        parts.append(f"{steps_per_second:.2f} steps/s")
        if steps_per_second > 0 and trainer.max_steps > 0:
            left = (trainer.max_steps - trainer.global_step) / steps_per_second
            parts.append(f"{readable(left)} left")
        return "  ".join(parts)


def default_progress(stream: Any = None) -> Callback:  # noqa: ANN401  (any object with isatty)
    """Choose the bar for a terminal and lines for anything else."""
    stream = sys.stdout if stream is None else stream
    return StepProgressBar() if stream.isatty() else LineProgress()
