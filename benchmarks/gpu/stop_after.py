"""A callback that interrupts a run as Ctrl-C does; it is no part of what the run is."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class StopAfter(Callback):
    """Interrupt once an optimiser step is done and saved.

    Args:
        step: after this many.
    """

    presentation_only = True

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401  (Lightning's signature)
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Raise at the step."""
        if trainer.global_step >= self.step:
            raise KeyboardInterrupt
