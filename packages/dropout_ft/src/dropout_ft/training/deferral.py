"""Evaluate the test domains only where a selection can choose them.

The i.i.d. rule (paper 4.3) picks the first step with the best i.i.d. accuracy, which was a new best
when it was evaluated. So the pictures of the test domains, two thirds of an evaluation and more,
need the network only at new bests and at the last step: tables, averages, soups and ensembles over
runs stay the same to the last digit. The ensemble along a run and the oracle need every step and
are left out of reports of such runs.
"""

from collections.abc import Mapping
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from holdfast.errors import ConfigError


class TestDomainsWhenBest(Callback):
    """Skip the test domains at evaluations that are neither a new i.i.d. best nor the last one.

    A new best of any set of weights the run keeps (current or average) counts.
    """

    __test__ = False  # its name looks like one of pytest's classes

    def __init__(self) -> None:
        self.best: dict[str, float] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tell the data module to leave the test domains out of its validation loader.

        Raises:
            ConfigError: the data cannot do that.
        """
        if stage != "fit":
            return
        data = getattr(trainer, "datamodule", None)
        if data is None or not hasattr(data, "defer_test_domains"):
            raise ConfigError("TestDomainsWhenBest needs a data module of dropout_ft.data.")
        data.defer_test_domains = True

    def wanted(self, trainer: Trainer, iid: Mapping[str, float]) -> bool:
        """Tell whether the test domains are to be evaluated now, and remember the best.

        Args:
            trainer: tells the step.
            iid: accuracy of each set of weights on the i.i.d. pictures.
        """
        better = [name for name, value in iid.items() if value > self.best.get(name, -1.0)]
        self.best.update({name: iid[name] for name in better})
        return bool(better) or 0 < trainer.max_steps <= trainer.global_step

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far, so that a resumed run defers as an undisturbed one."""
        return {"best": dict(self.best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the best so far."""
        self.best = dict(state_dict["best"])


def deferral_of(trainer: Trainer) -> TestDomainsWhenBest | None:
    """Return the trainer's callback of this kind while it fits, if it has one."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    found = [one for one in callbacks if isinstance(one, TestDomainsWhenBest)]
    return found[0] if found and trainer.state.fn == "fit" else None
