"""Lightning's weight averaging, guarded against its open bug #21724."""

from typing import Any, Literal

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from pytorch_lightning.strategies import FSDPStrategy, ModelParallelStrategy
from torch.optim.swa_utils import get_ema_avg_fn

from holdfast.errors import ConfigError


class GuardedWeightAveraging(WeightAveraging):
    """Average the weights along the run, from a chosen step on.

    Lightning 2.6 swaps the averaged model in even before its first update, when it still holds the
    initial weights; a start step beyond the end of the run would then return an untrained model.
    Here nothing is swapped, copied or exported before the first update.

    Args:
        start_step: first optimiser step (0-based) that enters the average; the official code of the
            very-large-dropout paper uses 300.
        every_n_steps: steps between updates; 1 is the official code, 300 the paper's text.
        ema_decay: exponential average with this decay, in (0, 1); None gives every update the same
            weight.
        evaluate: ``average`` swaps the average in for validation and keeps it at the end, as
            Lightning does; ``both`` leaves the current weights in place and offers the average
            through :attr:`averaged`, so that one run scores both.
    """

    def __init__(
        self,
        start_step: int = 0,
        every_n_steps: int = 1,
        ema_decay: float | None = None,
        evaluate: Literal["average", "both"] = "average",
    ) -> None:
        if every_n_steps < 1:
            raise ValueError("every_n_steps must be at least 1")
        options: dict[str, Any] = {}
        if ema_decay is not None:
            options["avg_fn"] = get_ema_avg_fn(decay=ema_decay)  # type: ignore[no-untyped-call]
        super().__init__(**options)
        self.start_step = start_step
        self.every_n_steps = every_n_steps
        self.evaluate = evaluate
        self.ema_decay = ema_decay

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse sharded models before anything is trained, then copy the model.

        Raises:
            ConfigError: the strategy gives each process a part of the weights only.
        """
        if isinstance(trainer.strategy, FSDPStrategy | ModelParallelStrategy):
            raise ConfigError(
                "Weight averaging cannot average a sharded model (trainer.strategy "
                f"{type(trainer.strategy).__name__}): train with --trainer.strategy ddp, or leave "
                "the averaging callback out."
            )
        super().setup(trainer, pl_module, stage)

    def coordinates(self) -> dict[str, Any]:
        """Return what the average along the run is, for ``run.json``."""
        exponential = self.ema_decay is not None
        return {"average": "EMA" if exponential else "trajectory average"}

    @property
    def ready(self) -> bool:
        """Whether the average holds at least one update."""
        return self._average_model is not None and int(self._average_model.n_averaged) > 0

    @property
    def averaged(self) -> LightningModule | None:
        """The averaged module, or None before the first update."""
        if not self.ready or self._average_model is None:
            return None
        module = self._average_model.module
        assert isinstance(module, LightningModule)
        return module

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Update after step ``step_idx`` (0-based) when it is due; never at epoch ends."""
        if step_idx is None or step_idx < self.start_step:
            return False
        return (step_idx - self.start_step) % self.every_n_steps == 0

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Swap the average in, once there is one."""
        if self.ready and self.evaluate == "average":
            super().on_validation_epoch_start(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Swap back."""
        if self.ready and self.evaluate == "average":
            super().on_validation_epoch_end(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the average in the model, once there is one."""
        if self.ready and self.evaluate == "average":
            super().on_train_end(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Store both models; ``state_dict`` is the one that a user of the checkpoint should get.

        Lightning always puts the average there, which before the first update is the untrained
        model. The other one is kept under ``current_model_state`` or ``average_model_state``.
        """
        if self._average_model is None:
            return
        current = checkpoint["state_dict"]
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        if not self.ready or self.evaluate == "both":
            checkpoint["average_model_state"] = checkpoint["state_dict"]
            checkpoint["state_dict"] = current

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Restore both models whichever of them ``state_dict`` holds."""
        if self._average_model is None:
            return
        average = checkpoint.get("average_model_state")
        if average is not None:
            checkpoint = {**checkpoint, "state_dict": average}
        super().on_load_checkpoint(trainer, pl_module, checkpoint)
