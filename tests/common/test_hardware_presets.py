"""What each hardware preset asks for, read as Lightning will read it."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from conftest import CONFIGS
from dropout_ft.app import APP

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
        ("gpu", {"accelerator": "gpu", "devices": 1, "precision": "32-true"}),
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
