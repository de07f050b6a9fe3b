"""Evaluate the domains left out only where a selection can choose them.

The i.i.d. rule (paper 4.3) picks the first step with the best i.i.d. accuracy, which was a new best
when it was evaluated. So the images of the domains left out, two thirds of an evaluation and more,
need the network only at new bests and at the last step: tables, averages, soups and ensembles over
runs stay the same to the last digit. The ensemble along a run and the oracle need every step and
are left out of reports of such runs.
"""

from collections.abc import Mapping
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from dropout_ft.data.domains import DomainData
from dropout_ft.training.module import FineTuning
from holdfast.errors import ConfigError
from holdfast.training.callbacks.last_step import is_last_step


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
        if not isinstance(data, DomainData):
            raise ConfigError("TestDomainsWhenBest needs dropout_ft.data.DomainData.")
        data.defer_test_domains = True

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Evaluate the test domains too, if the i.i.d. accuracy asks for it.

        Lightning calls callbacks before the module, so the module scores everything at once.
        """
        assert isinstance(pl_module, FineTuning)
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        iid = pl_module.collected.iid(pl_module.device, trainer.global_step)
        if not self.wanted(trainer, iid):
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        for number, batch in enumerate(data.test_domain_dataloader()):
            placed = trainer.strategy.batch_to_device(batch)
            with trainer.precision_plugin.val_step_context():
                pl_module.validation_step(placed, number)

    def wanted(self, trainer: Trainer, iid: Mapping[str, float]) -> bool:
        """Tell whether the test domains are to be evaluated now, and remember the best.

        Args:
            trainer: tells the step.
            iid: accuracy of each set of weights on the i.i.d. images.
        """
        better = [name for name, value in iid.items() if value > self.best.get(name, -1.0)]
        self.best.update({name: iid[name] for name in better})
        return bool(better) or is_last_step(trainer) or trainer.should_stop

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far, so that a resumed run defers as an undisturbed one."""
        return {"best": dict(self.best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the best so far."""
        self.best = dict(state_dict["best"])
