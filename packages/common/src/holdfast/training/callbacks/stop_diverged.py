"""Ending a run that has diverged, with the reason, instead of paying for the rest of it."""

import math
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from holdfast.errors import DivergedError


class StopDiverged(Callback):
    """Raise :class:`DivergedError` when the loss is not finite or stays far above its start.

    Args:
        factor: of the mean of the first ``patience`` losses; infinity watches for nan only.
        patience: steps in a row above it.
        every_n_steps: steps between looks, each of which waits for the device; by default every
            step on a CPU and every 20th elsewhere.
    """

    presentation_only = True  # it ends a run that is lost; it changes none that goes on

    def __init__(
        self, factor: float = 10.0, patience: int = 20, every_n_steps: int | None = None
    ) -> None:
        self.factor = factor
        self.patience = patience
        self.every_n_steps = every_n_steps
        self._first: list[float] = []
        self._above = 0

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401  (Lightning's signature)
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Look at the loss of the step."""
        value = torch.as_tensor(outputs["loss"] if isinstance(outputs, dict) else outputs)
        every = self.every_n_steps or (1 if value.device.type == "cpu" else 20)
        if batch_idx % every:
            return
        loss = float(value)
        if not math.isfinite(loss):
            raise DivergedError(
                f"The loss became {loss} at step {trainer.global_step}: lower the learning rate, "
                "or look at the data."
            )
        if len(self._first) < self.patience:
            self._first.append(loss)
            return
        start = sum(self._first) / len(self._first)
        self._above = self._above + 1 if loss > self.factor * start else 0
        if self._above >= self.patience:
            raise DivergedError(
                f"The loss stayed above {self.factor:g} times its start ({start:.3g}) for "
                f"{self.patience} looks up to step {trainer.global_step}: lower the learning rate."
            )

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run goes on with."""
        return {"first": self._first, "above": self._above}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with it."""
        self._first, self._above = list(state_dict["first"]), int(state_dict["above"])
