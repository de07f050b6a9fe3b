"""When last.ckpt is written, and what an early end says."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from holdfast.errors import DiskError
from holdfast.training.callbacks import LastCheckpoint


class Recorder(LastCheckpoint):
    """Notes (step, validations so far) of every save."""

    def __init__(self, folder: Path, every: int) -> None:
        super().__init__(folder, every_n_steps=every)
        self.saves: list[tuple[int, int]] = []

    def _save(self, trainer: Trainer) -> None:
        super()._save(trainer)
        self.saves.append((trainer.global_step, trainer.lightning_module.validations))


class Tiny(LightningModule):
    def __init__(self, fail_at: int = -1, error: type[BaseException] = RuntimeError) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.validations = 0
        self.fail_at = fail_at
        self.error = error

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        if self.global_step == self.fail_at:
            raise self.error("broken")
        return self.layer(batch).mean()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.validations += 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(callback: LastCheckpoint, module: Tiny, **options: Any) -> Trainer:
    settings: dict[str, Any] = {"val_check_interval": 4, **options}
    trainer = Trainer(
        max_steps=10,
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        check_val_every_n_epoch=None,
        default_root_dir=callback.path.parent,
        **settings,
    )
    loader = DataLoader(torch.ones(40, 1))
    trainer.fit(module, loader, DataLoader(torch.ones(1, 1)))
    return trainer


def test_saves_after_validations_only(tmp_path: Path) -> None:
    callback = Recorder(tmp_path, every=0)
    fit(callback, Tiny())
    assert callback.saves == [(4, 1), (8, 2), (10, 2)], "the end is saved too"


def test_saves_every_so_many_steps_but_never_between_a_step_and_its_validation(
    tmp_path: Path,
) -> None:
    callback = Recorder(tmp_path, every=2)
    fit(callback, Tiny())
    assert callback.saves == [(2, 0), (4, 1), (6, 1), (8, 2), (10, 2)]


def test_accumulated_batches_count_as_one_step(tmp_path: Path) -> None:
    callback = Recorder(tmp_path, every=2)
    fit(callback, Tiny(), accumulate_grad_batches=2, val_check_interval=8)
    assert callback.saves == [(2, 0), (4, 1), (6, 1), (8, 2), (10, 2)]


def test_sanity_checks_do_not_save(tmp_path: Path) -> None:
    callback = Recorder(tmp_path, every=0)
    trainer = Trainer(
        max_steps=1, accelerator="cpu", callbacks=[callback], logger=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=1,
        limit_val_batches=1, val_check_interval=1, check_val_every_n_epoch=None,
        default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Tiny(), DataLoader(torch.ones(4, 1)), DataLoader(torch.ones(1, 1)))
    assert [step for step, _ in callback.saves] == [1]


@pytest.mark.parametrize(
    ("fail_at", "message"),
    [(6, "run the same command again to resume from it"), (1, "starts from the beginning")],
)
def test_an_early_end_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fail_at: int, message: str
) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        fit(LastCheckpoint(tmp_path), Tiny(fail_at))
    output = capsys.readouterr().out
    assert f"Stopped at step {fail_at}" in output
    assert message in output


def test_nothing_is_saved_in_the_middle_of_a_broken_step(tmp_path: Path) -> None:
    callback = Recorder(tmp_path, every=0)
    with pytest.raises(DiskError):
        fit(callback, Tiny(fail_at=6, error=DiskError))
    assert callback.saves == [(4, 1)]
    assert torch.load(callback.path, weights_only=True)["global_step"] == 4
