"""What really happens inside a training run started from the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, Trainer

from dropout_ft.app import APP
from dropout_ft.training.module import FineTuning
from holdfast.cli.lightning_cli import HoldfastCLI
from tests_support import only_run

Arguments = Callable[..., list[str]]


class Modes(Callback):
    """Note, before every step, which BatchNorms would update and whether dropout is active."""

    def __init__(self) -> None:
        self.norms: list[bool] = []
        self.dropout: list[bool] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: FineTuning, *_: object) -> None:
        norms = [m for m in pl_module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert norms
        self.norms.append(any(norm.training for norm in norms))
        self.dropout.append(pl_module.model.head.training)


@pytest.fixture
def modes(monkeypatch: pytest.MonkeyPatch) -> Modes:
    """Watch every training run of a test."""
    watcher = Modes()
    ordinary = HoldfastCLI._callbacks
    monkeypatch.setattr(
        HoldfastCLI, "_callbacks", lambda cli, seed: [*ordinary(cli, seed), watcher]
    )
    return watcher


STEPS = ("--trainer.max_steps", "4", "--trainer.val_check_interval", "2")


def test_batch_norm_is_frozen_and_dropout_active_at_every_step(
    tiny_arguments: Arguments, tmp_path: Path, modes: Modes
) -> None:
    """Lightning neither calls train() at the start nor undoes modes after a validation."""
    assert APP.main(tiny_arguments("fit", *STEPS)) == 0
    assert modes.norms == [False] * 4
    assert modes.dropout == [True] * 4
    checkpoint = only_run(tmp_path / "runs") / "checkpoints/last.ckpt"
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    means = [value for name, value in state.items() if name.endswith("running_mean")]
    assert means
    assert all(not mean.any() for mean in means), "random weights start with zero means"


def test_batch_norm_may_be_left_to_train(tiny_arguments: Arguments, modes: Modes) -> None:
    assert APP.main(tiny_arguments("fit", *STEPS, "--model.freeze_batch_norm", "false")) == 0
    assert modes.norms == [True] * 4


def test_frozen_stages_do_not_change(tiny_arguments: Arguments, tmp_path: Path) -> None:
    """Against a run of the same seed that learns nothing at all."""
    stages = {}
    for name, rate in (("learning", "0.1"), ("still", "0.0")):
        words = tiny_arguments(
            "fit", *STEPS, "--model.frozen_stages", "2", "--model.optimizer.init_args.lr", rate,
            "--run.root", str(tmp_path / name),
        )  # fmt: skip
        stages[name] = APP.run_lightning(words).model.model.backbone.stages()
    for number, (trained, untouched) in enumerate(
        zip(stages["learning"], stages["still"], strict=True)
    ):
        pairs = list(zip(trained.parameters(), untouched.parameters(), strict=True))
        assert all(p.requires_grad is (number >= 2) for p, _ in pairs)
        assert all(torch.equal(p, q) for p, q in pairs) is (number < 2)


@pytest.mark.parametrize("rate", ["0.0", "0.5"])
def test_learning_reaches_the_labels(tiny_arguments: Arguments, tmp_path: Path, rate: str) -> None:
    """Stripes tell the class: a tiny network trained from scratch must get it right."""
    words = tiny_arguments(
        "fit", "--model.dropout_rate", rate, "--trainer.max_steps", "100",
        "--trainer.val_check_interval", "50", "--model.freeze_batch_norm", "false",
        "--data.global_batch_size", "8", "--data.val_augment", "false",
        "--model.optimizer.init_args.lr", "0.02",
        "--model.lr_scheduler.init_args.milestones", "[90]",
    )  # fmt: skip
    cli = APP.run_lightning(words)
    assert float(cli.trainer.callback_metrics["val/ood"]) > 0.9


def test_seed_changes_the_run_and_nothing_else_does(
    tiny_arguments: Arguments, tmp_path: Path
) -> None:
    losses = {}
    for name, extra in {
        "first": [],
        "again": [],
        "workers": ["--data.num_workers", "1"],
        "other seed": ["--seed_everything", "1"],
    }.items():
        root = ["--run.root", str(tmp_path / name)]
        cli = APP.run_lightning(tiny_arguments("fit", *STEPS, *root, *extra))
        losses[name] = float(cli.trainer.callback_metrics["train/loss"])
    assert losses["first"] == losses["again"] == losses["workers"]
    assert losses["first"] != losses["other seed"]
