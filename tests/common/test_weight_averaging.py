"""The guard against Lightning's bug #21724, and the exactness of the average."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor
from torch.utils.data import DataLoader

from holdfast.training.callbacks import GuardedWeightAveraging


class Line(LightningModule):
    """A linear model that keeps its weights after every step and at every validation."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(3, 1)
        self.after_step: list[Tensor] = []
        self.at_validation: list[Tensor] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return (self.layer(batch) - batch.sum(1, keepdim=True)).pow(2).mean()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.at_validation.append(self.layer.weight.detach().clone())

    def on_train_batch_end(self, *_: object) -> None:
        self.after_step.append(self.layer.weight.detach().clone())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(callback: WeightAveraging, folder: Path, steps: int = 6) -> tuple[Line, Trainer]:
    torch.manual_seed(1)
    data = torch.randn(24, 3)
    module = Line()
    trainer = Trainer(
        max_steps=steps,
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        val_check_interval=2,
        check_val_every_n_epoch=None,
        default_root_dir=folder,
    )
    trainer.fit(module, DataLoader(data, batch_size=4), DataLoader(data[:1]))
    return module, trainer


def test_average_is_the_mean_of_the_weights_from_the_start_step(tmp_path: Path) -> None:
    module, _ = fit(GuardedWeightAveraging(start_step=2), tmp_path)
    expected = torch.stack(module.after_step[2:]).mean(0)
    torch.testing.assert_close(module.layer.weight.detach(), expected)


@pytest.mark.parametrize(("every", "members"), [(1, [1, 2, 3, 4, 5]), (2, [1, 3, 5]), (3, [1, 4])])
def test_cadence(tmp_path: Path, every: int, members: list[int]) -> None:
    module, _ = fit(GuardedWeightAveraging(start_step=1, every_n_steps=every), tmp_path)
    expected = torch.stack([module.after_step[i] for i in members]).mean(0)
    torch.testing.assert_close(module.layer.weight.detach(), expected)


def test_ema_matches_the_recursion(tmp_path: Path) -> None:
    module, _ = fit(GuardedWeightAveraging(ema_decay=0.5), tmp_path)
    expected = module.after_step[0]
    for weights in module.after_step[1:]:
        expected = 0.5 * expected + 0.5 * weights
    torch.testing.assert_close(module.layer.weight.detach(), expected)


def test_start_beyond_the_end_keeps_the_trained_model(tmp_path: Path) -> None:
    module, _ = fit(GuardedWeightAveraging(start_step=100), tmp_path)
    assert torch.equal(module.layer.weight.detach(), module.after_step[-1])
    assert torch.equal(module.at_validation[0], module.after_step[1])


def test_lightning_itself_still_has_the_bug_we_guard_against(tmp_path: Path) -> None:
    """If this fails, Lightning has mended #21724 and the guard can shrink."""

    class Late(WeightAveraging):
        def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
            return step_idx is not None and step_idx >= 100

    module, _ = fit(Late(), tmp_path)
    assert torch.equal(module.layer.weight.detach(), Line().layer.weight.detach())


def test_validation_sees_the_average_only_once_there_is_one(tmp_path: Path) -> None:
    module, _ = fit(GuardedWeightAveraging(start_step=3), tmp_path)
    assert torch.equal(module.at_validation[0], module.after_step[1])
    torch.testing.assert_close(module.at_validation[1], module.after_step[3])
    torch.testing.assert_close(module.at_validation[2], torch.stack(module.after_step[3:6]).mean(0))


def test_both_leaves_the_current_weights_and_offers_the_average(tmp_path: Path) -> None:
    callback = GuardedWeightAveraging(start_step=2, evaluate="both")
    module, _ = fit(callback, tmp_path)
    assert torch.equal(module.layer.weight.detach(), module.after_step[-1])
    averaged = callback.averaged
    assert isinstance(averaged, Line)
    expected = torch.stack(module.after_step[2:]).mean(0)
    torch.testing.assert_close(averaged.layer.weight.detach(), expected)


@pytest.mark.parametrize("evaluate", ["average", "both"])
@pytest.mark.parametrize("start", [0, 100])
def test_checkpoints_hold_the_model_a_user_should_get(
    tmp_path: Path, evaluate: Literal["average", "both"], start: int
) -> None:
    callback = GuardedWeightAveraging(start_step=start, evaluate=evaluate)
    module, trainer = fit(callback, tmp_path)
    trainer.save_checkpoint(tmp_path / "end.ckpt")
    saved = torch.load(tmp_path / "end.ckpt", weights_only=True)["state_dict"]["layer.weight"]
    torch.testing.assert_close(saved, module.layer.weight.detach())
    restored = GuardedWeightAveraging(start_step=start, evaluate=evaluate)
    fresh = Line()
    restored.setup(trainer, fresh, "fit")
    checkpoint = torch.load(tmp_path / "end.ckpt", weights_only=True)
    fresh.load_state_dict(checkpoint["state_dict"])
    restored.on_load_checkpoint(trainer, fresh, checkpoint)
    assert restored.ready is (start == 0)
    torch.testing.assert_close(fresh.layer.weight.detach(), module.layer.weight.detach())


def test_no_steps_between_updates_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        GuardedWeightAveraging(every_n_steps=0)
