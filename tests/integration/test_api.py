"""The Python interface: one word to load, one to use; folders as on the hub go round unchanged."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dropout_ft
import vl_track
from dropout_ft.app import APP
from holdfast.errors import CheckpointError, ImageError
from tests_support import only_run
from tracking_support import frame_with, moving_box
from vl_track.loading import save_network
from vl_track.tracking import TrackerOptions

CONFIG = Path(__file__).parents[2] / "configs/dropout_ft/tiny.yaml"


@pytest.fixture(scope="module", params=["none", "standardize"])
def trained(
    request: pytest.FixtureRequest, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A checkpoint and the folder exported from it."""
    root = tmp_path_factory.mktemp("api")
    words = [
        "fit", "--config", str(CONFIG), f"--data.source={pictures}",
        f"--run.root={root / 'runs'}", f"--model.normalization={request.param}",
        "--model.feature_scale=0.3",
    ]  # fmt: skip
    assert APP.main(words) == 0
    last = only_run(root / "runs") / "checkpoints/last.ckpt"
    assert APP.main(["export", "--ckpt", str(last), "--out", str(root / "model")]) == 0
    return last, root / "model"


def test_checkpoint_and_folder_give_the_same_answers(
    trained: tuple[Path, Path], pictures: Path
) -> None:
    paths = sorted(p for p in pictures.rglob("*") if p.is_file())[:4]
    first, second = (dropout_ft.load(source) for source in trained)
    assert first.class_names == second.class_names
    assert first.image_size == second.image_size
    for a, b in zip(first.classify(paths), second.classify(paths), strict=True):
        assert list(a) == list(first.class_names)
        assert sum(a.values()) == pytest.approx(1, abs=1e-5)
        assert list(a.values()) == pytest.approx(list(b.values()), abs=1e-4)
    assert not second.model.training
    opened = [Image.open(path) for path in paths]
    assert second.classify(opened) == second.classify(paths)


def test_predict_takes_the_folder_too(
    trained: tuple[Path, Path], pictures: Path, tmp_path: Path
) -> None:
    words = ["predict", str(pictures), "--ckpt", str(trained[1]), "--out", str(tmp_path / "a.csv")]
    assert APP.main(words) == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) > 10


def test_bad_sources_are_refused_in_a_sentence(trained: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no classifier"):
        dropout_ft.load(tmp_path)
    config = json.loads((trained[1] / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError):
        dropout_ft.load(tmp_path)
    damaged = (trained[1] / "model.safetensors").read_bytes()[:-100]
    (tmp_path / "model.safetensors").write_bytes(damaged)
    with pytest.raises(CheckpointError):
        dropout_ft.load(tmp_path)
    with pytest.raises(ImageError):
        dropout_ft.load(trained[1]).classify([tmp_path / "config.json"])


def test_a_folder_of_other_classes_is_refused(trained: tuple[Path, Path], tmp_path: Path) -> None:
    config = json.loads((trained[1] / "config.json").read_text())
    config["label_names"] = [*config["label_names"], "one more"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    weights = (trained[1] / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(CheckpointError):
        dropout_ft.load(tmp_path)


def test_a_tracker_is_one_word_away(tmp_path: Path) -> None:
    tracker = vl_track.load(options=TrackerOptions(size_memory=0.5))
    assert tracker.options.size_memory == 0.5
    start = tracker.initialize(frame_with(moving_box(0)), box=moving_box(0), text="the red thing")
    assert start.box == pytest.approx(moving_box(0))
    box, score = tracker.track(frame_with(moving_box(1)))
    assert np.isfinite(box).all()
    assert 0 < score < 1
    with pytest.raises(CheckpointError):
        vl_track.load(tmp_path)


def test_a_model_folder_goes_round_unchanged(tmp_path: Path) -> None:
    from vl_track.loading import read_folder
    from vl_track.packaged import packaged

    config, weights = read_folder(packaged("small"))
    save_network(tmp_path / "copy", config, weights)
    first = vl_track.load(device="cpu", runtime="torch")
    second = vl_track.load(tmp_path / "copy", device="cpu", runtime="torch")
    state = second.network.state_dict()
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_importing_the_packages_loads_nothing_heavy() -> None:
    code = "import sys, dropout_ft, vl_track; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
