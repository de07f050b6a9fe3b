"""The default experiment is the paper's (section 4.1), value by value."""

from typing import Any

import pytest
import torch
import yaml

from conftest import CONFIGS
from dropout_ft.commands.compare import compare
from dropout_ft.training.module import default_optimizer, default_schedule
from holdfast.errors import ConfigError


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    loaded = yaml.safe_load((CONFIGS / "dropout_ft/paper_resnet50.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_model(recipe: dict[str, Any]) -> None:
    model = recipe["model"]
    assert model["dropout_rate"] == 0.9
    assert model["head_lr_factor"] == 1.0
    assert model["freeze_batch_norm"] is True
    assert "normalization" not in model, "the plain head: no normalisation"
    backbone = yaml.safe_load((CONFIGS / "dropout_ft" / model["backbone"]).read_text())
    assert backbone["init_args"]["name"] == "resnet50.tv2_in1k"


def test_optimiser_and_schedule(recipe: dict[str, Any]) -> None:
    optimizer = recipe["model"]["optimizer"]
    assert optimizer["class_path"] == "torch.optim.SGD"
    assert optimizer["init_args"] == {"lr": 0.001, "momentum": 0.9, "weight_decay": 0.0001}
    schedule = recipe["model"]["lr_scheduler"]
    assert schedule["init_args"] == {"milestones": [5000], "gamma": 0.1}


def test_budget_and_averaging(recipe: dict[str, Any]) -> None:
    trainer = recipe["trainer"]
    assert trainer["max_steps"] == 10_000
    assert trainer["val_check_interval"] == 300
    averaging = trainer["callbacks"][0]["init_args"]
    assert averaging == {"start_step": 300, "every_n_steps": 1, "evaluate": "both"}


@pytest.mark.parametrize(("step", "rate"), [(0, 1e-3), (4999, 1e-3), (5000, 1e-4), (9999, 1e-4)])
def test_the_modules_own_defaults_follow_the_same_schedule(step: int, rate: float) -> None:
    optimizer = default_optimizer([torch.nn.Parameter(torch.zeros(1))])
    schedule = default_schedule(optimizer)
    for _ in range(step):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(rate)
    assert optimizer.defaults["momentum"] == 0.9
    assert optimizer.defaults["weight_decay"] == 1e-4


def test_comparing_nothing_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare(fit=["a.yaml"], domains=[])
