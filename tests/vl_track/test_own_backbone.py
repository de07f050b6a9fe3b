"""A backbone of the user's own is one file and one YAML, from training to tracking."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import vl_track
from holdfast.errors import CheckpointError
from tests_support import only_run
from vl_track.app import APP
from vl_track.graphs.network import GraphNetwork
from vl_track.loading import load_network
from vl_track.nn import Backbone

CODE = """
import torch
from torch import Tensor, nn

from vl_track.nn import Backbone
from vl_track.nn.backbone import Patches


class Mixer(Backbone):
    \"\"\"Every search token sees the mean of the template.\"\"\"

    def __init__(self, side: int = 16, num_features: int = 24) -> None:
        super().__init__()
        self.template_size, self.search_size = 2 * side, 4 * side
        self.template_grid, self.search_grid = 2, 4
        self.num_features = num_features
        self.cut = nn.Conv2d(3, num_features, side, side)
        self.mix = nn.Sequential(nn.LayerNorm(num_features), nn.Linear(num_features, num_features))

    def embed(self, template_B3hw: Tensor, search_B3HW: Tensor) -> Patches:
        crops = (template_B3hw, search_B3HW)
        return Patches(*(self.cut(crop).flatten(2).transpose(1, 2) for crop in crops))

    def forward(self, patches: Patches, keep_ratio: float | None = None) -> Patches:
        template, search = patches
        return Patches(template, search + self.mix(search + template.mean(1, keepdim=True)))
"""
YAML = """
model:
  network:
    backbone: {class_path: mixers.Mixer, init_args: {num_features: 12}}
"""


@pytest.fixture
def mixers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's folder."""
    (tmp_path / "mixers.py").write_text(CODE)
    (tmp_path / "mixer.yaml").write_text(YAML)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("mixers", None)


def test_an_own_backbone_trains_and_tracks(mixers: Path) -> None:
    """Only subclasses of our own transformer were taken, with an argument `weights` for loading."""
    words = ["fit", "--config", "configs/vl_track/scenes_tiny.yaml",
             "--config", str(mixers / "mixer.yaml"), "--trainer.max_steps", "2",
             "--trainer.val_check_interval", "2", "--run.root", str(mixers / "runs")]  # fmt: skip
    assert APP.main(words) == 0
    checkpoint = only_run(mixers / "runs") / "checkpoints/last.ckpt"
    out = str(mixers / "model")
    export = ["export", "--ckpt", str(checkpoint), "--out", out]
    assert APP.main([*export, "--classes", "mixers.Mixer"]) == 0
    with pytest.raises(CheckpointError, match=r"its backbone mixers\.Mixer is none of ours"):
        load_network(out)
    own: type[Backbone] = importlib.import_module("mixers").Mixer
    tracker = vl_track.load(out, device="cpu", runtime="torch", classes=[own])
    assert tracker.network.backbone.num_features == 12
    frames = list(np.random.default_rng(0).integers(0, 255, (3, 90, 120, 3), dtype=np.uint8))
    steps = list(tracker.follow(frames, box=(30, 30, 40, 30), text="the cup"))
    assert len(steps) == 3
    on_graph = vl_track.load(out, device="cpu", runtime="openvino")
    assert isinstance(on_graph.network, GraphNetwork), "exported with it, and needs no class"
    others = on_graph.follow(frames, box=(30, 30, 40, 30), text="the cup")
    for one, two in zip(steps, others, strict=True):
        assert np.allclose(one.box, two.box, atol=0.01)
