"""A checkpoint alone is enough, and a doubtful one is refused."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from conftest import CONFIGS
from dropout_ft.app import APP
from dropout_ft.commands.trusted import own_backbones
from dropout_ft.loading import describe_checkpoint, load, load_classifier
from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import Backbone, Preprocessing, TimmBackbone
from holdfast.errors import CheckpointError, ConfigError
from tests_support import only_run


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last checkpoint of a tiny run; do not change it."""
    root = tmp_path_factory.mktemp("runs")
    words = ["fit", "--config", str(CONFIGS / "dropout_ft/tiny.yaml"), "--run.root", str(root)]
    words += ["--data.source", str(pictures), "--model.normalization", "standardize"]
    assert APP.main(words) == 0
    return only_run(root) / "checkpoints/last.ckpt"


@pytest.fixture
def checkpoint(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, in a folder of the test's own."""
    return Path(shutil.copy(trained, tmp_path / "last.ckpt"))


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
    assert model.head.dropout_rate == 0.9
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


def test_nothing_that_a_checkpoint_names_is_imported(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C1. Was: a module in the working folder ran, and was refused afterwards."""
    (tmp_path / "strangers_module.py").write_text("open('ran', 'w')\nclass Backbone: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def change(config: dict[str, Any]) -> None:
        config["model"]["backbone"]["class_path"] = "strangers_module.Backbone"
        config["model"]["objective"] = {"class_path": "strangers_module.Backbone"}

    path = tampered(checkpoint, change)
    with pytest.raises(CheckpointError, match="nothing that a file names is imported"):
        load_classifier(path)
    assert APP.main(["predict", str(tmp_path), "--ckpt", str(path)]) == 1
    assert "strangers_module" not in sys.modules
    assert not (tmp_path / "ran").exists()


CRAFTED: list[tuple[str, Any]] = [
    ("model", []),
    ("model", None),
    ("model.backbone", "resnet50"),
    ("model.backbone.class_path", 3),
    ("model.backbone.class_path", "x" * 10_000),
    ("model.backbone.init_args", [1]),
    ("model.backbone.init_args.name", {"a": 1}),
    ("model.backbone.init_args.name", "no_such_model"),
    ("model.backbone.init_args.name", "vit_giant_patch14_dinov2"),
    ("model.backbone.init_args.name", ["resnet50"] * 1000),
    ("model.backbone.init_args.mean", [0.0] * 1000),
    ("model.backbone.init_args.mean", ["a"]),
    ("model.backbone.init_args.nothing", 1),
    ("model.dropout_rate", "high"),
    ("model.dropout_rate", 2),
    ("model.normalization", "whiten"),
    ("model.feature_scale", True),
    ("model.frozen_stages", 10**9),
    ("data.image_size", 10**9),
    ("data.image_size", -1),
    ("data.image_size", "large"),
    ("data", 7),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), CRAFTED, ids=lambda v: str(v)[:40])
def test_crafted_configurations_are_refused_soon(checkpoint: Path, key: str, value: Any) -> None:
    """A23. Were: tracebacks; 121 s to build vit_giant before the weights were compared."""

    def change(config: dict[str, Any]) -> None:
        *parents, last = key.split(".")
        for parent in parents:
            config = config[parent]
        config[last] = value

    path = tampered(checkpoint, change)
    start = time.process_time()
    with pytest.raises(CheckpointError) as raised:
        load_classifier(path)
    assert time.process_time() - start < 10
    assert len(str(raised.value)) < 600
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state_dict", 3),
        ("state_dict", {"model.head.linear.weight": 3}),
        ("state_dict", {5: torch.zeros(2)}),
        ("state_dict", {}),
        ("class_names", 7),
        ("class_names", "cat"),
        ("class_names", []),
        ("class_names", [1, 2, 3]),
        ("class_names", ["a"] * 200_000),
        ("holdfast_config", "{"),
        ("holdfast_config", "[" * 100_000),
        ("holdfast_config", "[]"),
        ("holdfast_config", "null"),
    ],
    ids=lambda v: str(v)[:40],
)
def test_crafted_checkpoints_are_refused(checkpoint: Path, key: str, value: Any) -> None:
    content = torch.load(checkpoint, weights_only=True)
    content[key] = value
    path = checkpoint.with_name("crafted.ckpt")
    torch.save(content, path)
    with pytest.raises(CheckpointError) as raised:
        load_classifier(path)
    assert len(str(raised.value)) < 600


def test_weights_that_were_not_kept(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="keeps no average weights"):
        load_classifier(checkpoint, weights="average")


@pytest.mark.parametrize("content", [{}, {"holdfast_config": 3}, {"holdfast_config": "{}"}])
def test_foreign_checkpoints(content: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="was not written by"):
        describe_checkpoint("x.ckpt", content)


class Flat(Backbone):
    """A backbone of a user's, as docs/architecture.md shows, without a parameter ``weights``."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, width))
        self.num_features = width
        self.preprocessing = Preprocessing(
            mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), size=32, interpolation="bilinear"
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.net(images)
        return found


def test_a_backbone_of_ones_own(checkpoint: Path, tmp_path: Path) -> None:
    """A17. Was: it trained, and `predict` failed for want of a parameter ``weights``."""
    trained = Classifier(Flat(8), VeryLargeDropoutHead(8, 3))
    name = f"{Flat.__module__}.{Flat.__qualname__}"
    content = torch.load(checkpoint, weights_only=True)
    config = json.loads(content["holdfast_config"])
    config["model"]["backbone"] = {"class_path": name, "init_args": {"width": 8}}
    config["model"]["normalization"] = "none"
    content["holdfast_config"] = json.dumps(config)
    content["state_dict"] = {f"model.{k}": v for k, v in trained.state_dict().items()}
    path = tmp_path / "own.ckpt"
    torch.save(content, path)
    loaded = load(path, backbones=[Flat])
    for key, value in trained.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[key], value)
    with pytest.raises(CheckpointError, match="--backbone module"):
        load(path)


@pytest.mark.parametrize("name", ["nothing", "os.path", "json.JSONDecoder", "no.such.Module"])
def test_what_is_no_backbone_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"no class|no backbone"):
        own_backbones(name)
    assert own_backbones(None) == []
    assert own_backbones("dropout_ft.nn.backbones.TimmBackbone") == [TimmBackbone]


def test_answers_that_are_not_finite_are_errors(checkpoint: Path, pictures: Path) -> None:
    """A9. Was: `class0,nan` and exit status 0."""
    content = torch.load(checkpoint, weights_only=True)
    content["state_dict"]["model.head.linear.bias"][0] = float("nan")
    torch.save(content, checkpoint.with_name("nan.ckpt"))
    loaded = load(checkpoint.with_name("nan.ckpt"))
    with pytest.raises(CheckpointError, match="not finite"):
        loaded.classify([pictures / "a/red/00.png"])
    words = ["predict", str(pictures / "a"), "--ckpt", str(checkpoint.with_name("nan.ckpt"))]
    out = checkpoint.with_name("answers.csv")
    assert APP.main([*words, "--out", str(out)]) == 1
    assert not out.exists()


def test_no_pictures_no_answers(checkpoint: Path) -> None:
    assert load(checkpoint).classify([]) == []


def test_an_exported_folder_answers_alike(trained: Path, pictures: Path, tmp_path: Path) -> None:
    assert APP.main(["export", "--ckpt", str(trained), "--out", str(tmp_path / "out")]) == 0
    images = [pictures / "a/red/00.png", pictures / "b/blue/01.png"]
    for one, other in zip(
        load(trained).classify(images), load(tmp_path / "out").classify(images), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("architecture", 3),
        ("architecture", "vit_giant_patch14_dinov2"),
        ("label_names", "cat"),
        ("pretrained_cfg", []),
        ("pretrained_cfg", {"input_size": [3, 10**9, 10**9], "classifier": "fc", "mean": [0.5] * 3,
                            "std": [0.5] * 3}),
        ("pretrained_cfg", {"input_size": [3, 32, 32], "classifier": "nothing", "mean": [0.5] * 3,
                            "std": [0.5] * 3}),
    ],
    ids=lambda v: str(v)[:40],
)  # fmt: skip
def test_crafted_folders_are_refused(trained: Path, tmp_path: Path, key: str, value: Any) -> None:
    assert APP.main(["export", "--ckpt", str(trained), "--out", str(tmp_path / "out")]) == 0
    file = tmp_path / "out/config.json"
    config = {**json.loads(file.read_text()), key: value}
    file.write_text(json.dumps(config))
    with pytest.raises(CheckpointError):
        load(tmp_path / "out")
