"""What each hardware preset asks for, read as Lightning will read it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from pytorch_lightning import LightningModule
from pytorch_lightning.strategies import FSDPStrategy

from conftest import CONFIGS
from dropout_ft.app import APP
from holdfast.errors import ConfigError
from holdfast.training.callbacks import GuardedWeightAveraging
from holdfast.training.precision import default_precision
from tests_support import only_run

PRESETS = CONFIGS / "hardware"


def resolved(capsys: pytest.CaptureFixture[str], words: list[str], *presets: str) -> dict[str, Any]:
    for preset in presets:
        words = [*words, "--config", str(PRESETS / f"{preset}.yaml")]
    assert APP.main([*words, "--print_config"]) == 0
    config: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    found: dict[str, Any] = config["trainer"]
    return found


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("cpu", {"accelerator": "cpu", "devices": 1, "precision": "32-true"}),
        ("gpu", {"accelerator": "gpu", "devices": 1, "precision": None}),
        ("ddp", {"accelerator": "gpu", "devices": "auto", "strategy": "ddp"}),
        ("fsdp", {"accelerator": "gpu", "strategy": "fsdp", "precision": "bf16-true"}),
        ("multi_node", {"num_nodes": 2, "strategy": "ddp"}),
        ("bf16_mixed", {"precision": "bf16-mixed"}),
        ("fp16_mixed", {"precision": "16-mixed"}),
    ],
)
def test_presets_reach_the_trainer(
    tiny_arguments: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    preset: str,
    expected: dict[str, Any],
) -> None:
    found = resolved(capsys, tiny_arguments("fit"), preset)
    assert {key: found[key] for key in expected} == expected


def test_precision_is_added_to_a_device_preset(
    tiny_arguments: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    found = resolved(capsys, tiny_arguments("fit"), "gpu", "bf16_mixed")
    assert (found["accelerator"], found["precision"]) == ("gpu", "bf16-mixed")


def test_two_cpu_processes_use_gloo(
    tiny_arguments: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    strategy = resolved(capsys, tiny_arguments("fit"), "ddp_cpu")["strategy"]
    assert strategy["class_path"].endswith("DDPStrategy")
    assert strategy["init_args"]["process_group_backend"] == "gloo"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("use_distributed_sampler", False),
        ("num_sanity_val_steps", 0),
        ("log_every_n_steps", 10),
    ],
)
def test_defaults_of_the_house(
    tiny_arguments: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    key: str,
    value: object,
) -> None:
    assert resolved(capsys, tiny_arguments("fit"))[key] == value


@pytest.mark.parametrize(
    ("accelerator", "gpu", "bfloat16", "expected"),
    [
        ("auto", True, True, "bf16-mixed"),
        ("gpu", True, True, "bf16-mixed"),
        ("gpu", True, False, "32-true"),
        ("auto", False, False, "32-true"),
        ("cpu", True, True, "32-true"),
    ],
)
def test_precision_follows_the_device(
    monkeypatch: pytest.MonkeyPatch, accelerator: str, gpu: bool, bfloat16: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bfloat16)
    assert default_precision(accelerator) == expected


@pytest.mark.nightly
def test_a_compiled_run_ends_as_the_plain_one(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    # Without dropout: torch.compile draws other masks.
    found = []
    for compiled in ("false", "true"):
        root = tmp_path / compiled
        words = tiny_arguments(
            "fit", "--run.compile", compiled, "--model.dropout_rate", "0", "--run.root", str(root)
        )
        assert APP.main(words) == 0
        checkpoint = torch.load(only_run(root) / "checkpoints/last.ckpt", weights_only=True)
        found.append(checkpoint["state_dict"])
    plain, compiled_too = found
    assert plain.keys() == compiled_too.keys()
    assert all(torch.allclose(plain[name], compiled_too[name], atol=1e-4) for name in plain)


def test_averaging_of_a_sharded_model_is_refused_before_the_first_step() -> None:
    trainer: Any = SimpleNamespace(strategy=FSDPStrategy())
    with pytest.raises(ConfigError, match=r"cannot average a sharded model.*ddp"):
        GuardedWeightAveraging().setup(trainer, LightningModule(), "fit")
