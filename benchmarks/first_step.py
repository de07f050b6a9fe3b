"""A callback that says when the first step has ended."""

import sys
import time
from typing import Any

from pytorch_lightning import Callback, Trainer

SAYS = "first step ended at "


class SayFirstStep(Callback):
    """Print the time (seconds of the system's clock) at the end of the first training step."""

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:  # noqa: ANN401
        """Print it once, on standard error."""
        if trainer.global_step == 1:
            sys.stderr.write(f"{SAYS}{time.time():.3f}\n")


def first_step(printed: str) -> float:
    """Return the time that was printed."""
    (line,) = (line for line in printed.splitlines() if line.startswith(SAYS))
    return float(line.removeprefix(SAYS))
