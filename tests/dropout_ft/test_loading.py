"""A checkpoint alone is enough, and a doubtful one is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dropout_ft.app import APP
from dropout_ft.loading import load_classifier, model_config
from holdfast.errors import CheckpointError
from tests_support import only_run


@pytest.fixture
def checkpoint(tiny_arguments: Callable[..., list[str]], tmp_path: Path) -> Path:
    assert APP.main(tiny_arguments("fit", "--model.normalization", "standardize")) == 0
    return only_run(tmp_path / "runs") / "checkpoints/last.ckpt"


def tampered(checkpoint: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Return a copy whose stored configuration was changed."""
    content = torch.load(checkpoint, weights_only=True)
    config = json.loads(content["holdfast_config"])
    change(config)
    content["holdfast_config"] = json.dumps(config)
    path = checkpoint.with_name("tampered.ckpt")
    torch.save(content, path)
    return path


def test_everything_comes_back(checkpoint: Path) -> None:
    loaded = load_classifier(checkpoint)
    model = loaded.model
    assert loaded.class_names == ("blue", "green", "red")
    assert loaded.image_size == 32
    assert not model.training
    assert model.head.rate == 0.9
    assert model.head.normalization == "standardize"
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[f"model.{name}"])


def test_pretrained_weights_are_not_needed_again(checkpoint: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["model"]["backbone"]["init_args"]["weights"] = "/gone/away.pth"

    load_classifier(tampered(checkpoint, change))


def test_another_architecture_than_it_says(checkpoint: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["model"]["backbone"]["init_args"]["name"] = "test_vit"

    with pytest.raises(CheckpointError, match="another architecture"):
        load_classifier(tampered(checkpoint, change))


@pytest.mark.parametrize("class_path", ["subprocess.Popen", "os.system", "no.such.Backbone"])
def test_only_backbones_are_built_from_a_checkpoint(checkpoint: Path, class_path: str) -> None:
    def change(config: dict[str, Any]) -> None:
        config["model"]["backbone"] = {"class_path": class_path, "init_args": {"args": "true"}}

    with pytest.raises(CheckpointError, match="cannot be built"):
        load_classifier(tampered(checkpoint, change))


def test_weights_that_were_not_kept(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="keeps no average weights"):
        load_classifier(checkpoint, weights="average")


@pytest.mark.parametrize("content", [{}, {"holdfast_config": 3}, {"holdfast_config": "{}"}])
def test_foreign_checkpoints(content: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="was not written by"):
        model_config("x.ckpt", content)
