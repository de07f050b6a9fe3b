"""``convert``: checkpoints as the trainers save them, and the boxes of the release's tracker."""

import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import vl_track
from official_support import official_state, reference_track
from vl_track.app import APP
from vl_track.loading import load_network
from vl_track.nn.official import official_name, rename
from vl_track.nn.released import STAND_INS

HELD = "lib.train.admin"


@pytest.fixture
def trainer() -> Iterator[dict[str, Any]]:
    """Objects of the classes that the trainers pickle, by class name; gone from Python later."""
    made: dict[str, Any] = {}
    names = ("lib", "lib.train", HELD, f"{HELD}.stats", f"{HELD}.settings", f"{HELD}.local")
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    places = {
        "AverageMeter": "stats", "StatValue": "stats", "Settings": "settings",
        "EnvironmentSettings": "local",
    }  # fmt: skip
    for name, place in places.items():
        module = sys.modules[f"{HELD}.{place}"]
        kind = type(name, (), {"__module__": module.__name__, "__qualname__": name})
        setattr(module, name, kind)
        made[name] = kind()
    made["Settings"].env = made["EnvironmentSettings"]
    made["Settings"].project_path = "train/ostrack"
    made["AverageMeter"].history = [0.5]
    yield made
    for name in names:
        del sys.modules[name]


def content(trainer: dict[str, Any], net: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What ``save_checkpoint`` of ``lib/train/trainers/base_trainer.py`` saves."""
    meters = OrderedDict(
        {"Loss/total": trainer["AverageMeter"], "LearningRate": trainer["StatValue"]}
    )
    return {
        "epoch": 300, "actor_type": "OSTrackActor", "net_type": "OSTrack", "net": net,
        "net_info": None, "constructor": None, "stats": OrderedDict({"train": meters, "val": None}),
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-4}]},
        "settings": trainer["Settings"],
    }  # fmt: skip


def convert(tmp_path: Path, *words: str) -> int:
    return APP.main(["convert", str(tmp_path / "in.pth.tar"), "--out", str(tmp_path / "m"), *words])


@pytest.mark.parametrize("language", [True, False])
@pytest.mark.parametrize("kind", ["plain", "legacy", "module", "half"])
def test_a_trainers_checkpoint_is_converted(
    tmp_path: Path, trainer: dict[str, Any], kind: str, language: bool
) -> None:
    """B7: it was refused as a file that holds Python objects."""
    net = official_state(language=language)
    saved = {("module." + k if kind == "module" else k): v for k, v in net.items()}
    if kind == "half":
        saved = {k: v.half() if v.is_floating_point() else v for k, v in saved.items()}
    torch.save(content(trainer, saved), tmp_path / "in.pth.tar",
               _use_new_zipfile_serialization=kind != "legacy")  # fmt: skip
    assert convert(tmp_path) == 0
    found = load_network(tmp_path / "m").state_dict()
    wanted = net["backbone.blocks.2.mlp.fc1.weight"]
    if kind == "half":
        wanted = wanted.half().float()
    assert torch.equal(found["backbone.blocks.2.mlp.fc1.weight"], wanted)
    assert found["head.score.0.0.weight"].dtype == torch.float32


def test_other_objects_are_refused_and_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    for extra in (Evil(), sys.exit, types.SimpleNamespace(a=1)):
        torch.save({"net": official_state(), "settings": extra}, tmp_path / "in.pth.tar")
        assert convert(tmp_path) == 1
        assert "is refused, because unpickling" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "m").exists()


def test_the_stand_ins_keep_nothing_and_are_allowed_only_while_reading(
    tmp_path: Path, trainer: dict[str, Any]
) -> None:
    torch.save(content(trainer, official_state()), tmp_path / "in.pth.tar")
    assert convert(tmp_path) == 0
    assert not set(STAND_INS) & set(torch.serialization.get_safe_globals())
    one = STAND_INS[0]("ignored", more="ignored")
    one.__setstate__({"history": [1]})
    assert not vars(one)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_missing_key_is_named_as_in_the_users_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    keys = (
        "box_head.conv3_size.0.weight", "backbone.blocks.1.norm1.bias", "backbone.pos_embed_z",
        "backbone.language_proj.weight", "language_embeddings.LayerNorm.bias",
        "backbone.patch_embed.proj.bias",
    )  # fmt: skip
    for key in keys:
        net = {prefix + name: value for name, value in official_state().items() if name != key}
        torch.save({"net": net}, tmp_path / "in.pth.tar")
        assert convert(tmp_path) == 1
        assert f"1 missing key(s); nothing was written. They are:\n  {prefix}{key}\n" in (
            capsys.readouterr().err
        )


def test_official_names_are_the_inverse_of_renaming() -> None:
    for key in official_state():
        ours = rename(key)
        if ours is not None:
            assert official_name(ours) == key


def clip(count: int, size: tuple[int, int] = (200, 150)) -> list[np.ndarray]:
    """A patch with texture that moves over a textured ground."""
    generator = np.random.default_rng(3)
    ground = cv2.resize(generator.integers(0, 255, (15, 20, 3), np.uint8), size)
    patch = cv2.resize(generator.integers(0, 255, (5, 6, 3), np.uint8), (36, 30))
    frames = []
    for time in range(count):
        frame = ground.copy()
        x, y = 60 + 3 * time, 50 + 2 * time
        frame[y : y + 30, x : x + 36] = patch
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    "box",
    [
        (60.0, 50.0, 36.0, 30.0), (60.3, 49.6, 35.5, 30.2), (-12.5, 40.0, 40.0, 31.0),
        (180.0, 130.0, 40.0, 40.0), (90.0, 60.0, 3.0, 3.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", [True, False])
def test_a_converted_model_gives_the_releases_boxes(
    tmp_path: Path, box: tuple[float, float, float, float], language: bool
) -> None:
    """B8: half a pixel off at once, and the first box was cut to the image."""
    state = official_state(language=language, seed=1)
    torch.save({"net": state}, tmp_path / "in.pth.tar")
    assert convert(tmp_path) == 0
    frames = clip(10)
    steps = list(vl_track.load(tmp_path / "m", device="cpu", runtime="torch").follow(
        frames, box=box, text="a patch"))  # fmt: skip
    expected = reference_track(state, frames, list(box), heads=2, eliminating=(3,))
    assert steps[0].box == box
    assert np.abs(np.array([step.box for step in steps]) - np.array(expected)).max() < 1e-4
    moved = np.array(expected)
    assert np.ptp(moved[:, 0]) > 1, "a box that stands still would agree with anything"
