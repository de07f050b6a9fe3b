"""``best.ckpt``: the first maximum of a logged metric, whatever folder the run lies in."""

import math
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from holdfast.errors import ConfigError
from holdfast.runs.directory import BEST_NAME


class BestCheckpoint(Checkpoint):
    """Save ``best.ckpt`` after each validation whose metric is better than all before it.

    The state is the best value alone, so a run that was moved or copied goes on as an undisturbed
    one; Lightning's ``ModelCheckpoint`` forgets its best value when the folder changes.

    Args:
        folder: the run's checkpoint folder.
        monitor: logged metric, for example ``val/iid``.
        mode: whether larger or smaller values are better.
    """

    presentation_only = True

    def __init__(
        self, folder: str | Path, *, monitor: str, mode: Literal["max", "min"] = "max"
    ) -> None:
        super().__init__()
        self.path = Path(folder) / BEST_NAME
        self.monitor = monitor
        self.mode = mode
        self.best = -math.inf if mode == "max" else math.inf

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if this is a new best.

        Raises:
            ConfigError: the metric is not logged.
        """
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        if self.monitor not in trainer.callback_metrics:
            logged = ", ".join(sorted(trainer.callback_metrics)) or "nothing"
            raise ConfigError(
                f"run.monitor is {self.monitor}, which is not logged: choose one of {logged}."
            )
        value = float(trainer.callback_metrics[self.monitor])
        if value > self.best if self.mode == "max" else value < self.best:
            self.best = value
            trainer.save_checkpoint(self.path)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value so far."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best value so far."""
        self.best = float(state_dict["best"])
