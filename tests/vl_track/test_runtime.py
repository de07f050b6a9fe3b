"""Other runtimes give PyTorch's boxes; their files are written once for the very network."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vl_track
from holdfast.errors import ConfigError, MissingToolError
from scenes_support import tiny_network
from tracking_support import frame_with, moving_box, write_clip
from vl_track import runtime as module
from vl_track.app import APP
from vl_track.commands.benchmark import _runtime_name
from vl_track.nn.network import AllInOne
from vl_track.runtime import OnRuntime, cache_folder, digest, on_runtime
from vl_track.scoring.benchmarking import Plan
from vl_track.tracking import Tracker, TrackerOptions, track_together

pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
KINDS = [("onnx", "float32"), ("openvino", "float32"), ("openvino", "bfloat16"), ("onnx", "int8")]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path_factory.getbasetemp() / "runtime-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    return place


@pytest.fixture(scope="module")
def network() -> AllInOne:
    torch.manual_seed(0)
    return tiny_network().eval()


def follow(network: Any, text: str = "the red thing", **options: Any) -> np.ndarray:
    tracker = Tracker(network, TrackerOptions(**options))
    tracker.initialize(frame_with(moving_box(0)), moving_box(0), text)
    return np.array([tracker.track(frame_with(moving_box(time))).box for time in range(1, 5)])


@pytest.mark.parametrize(("runtime", "precision"), KINDS)
def test_answers_are_those_of_pytorch(runtime: Any, precision: Any, network: AllInOne) -> None:
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="pip install openvino")
    other = on_runtime(network, runtime, precision)
    generator = torch.Generator().manual_seed(0)
    template, search = (
        torch.randint(0, 256, (1, 3, side, side), dtype=torch.uint8, generator=generator)
        for side in (32, 64)
    )
    with torch.inference_mode():
        text = network.text(["the red thing"])
        wanted, found = (one(template, search, text).maps for one in (network, other))
    for one, two in zip(wanted, found, strict=True):
        assert one.shape == two.shape
        assert torch.allclose(one, two, atol=1e-5 if precision == "float32" else 0.03)
    if precision == "float32":
        assert np.abs(follow(other) - follow(network)).max() <= 0.01, "the issue's bound, in pixels"
    elif precision == "int8":  # bfloat16 is the CPU's to grant
        assert any(not torch.equal(one, two) for one, two in zip(wanted, found, strict=True))


def test_options_of_the_tracker_still_count(network: AllInOne) -> None:
    options = {"window_weight": 0.0, "size_memory": 0.5, "hann": False}
    other = on_runtime(network, "onnx")
    assert np.allclose(follow(other, **options), follow(network, **options), atol=0.01)
    assert not np.allclose(follow(other, **options), follow(other), atol=0.01)


def test_a_sentence_alone_and_several_videos_go_through_pytorch(network: AllInOne) -> None:
    frames = [frame_with(moving_box(time)) for time in (0, 1)]

    def boxes(of: Any) -> list[Any]:
        trackers = [Tracker(of, TrackerOptions(grounding_scales=(1.0, 0.5))) for _ in range(2)]
        for tracker in trackers:
            tracker.initialize(frames[0], text="the red thing")
        return [found.box for found in track_together(trackers, [frames[1]] * 2) if found]

    assert np.allclose(boxes(on_runtime(network, "onnx")), boxes(network), atol=0.01)


def test_the_file_is_written_once_for_the_very_network(
    network: AllInOne, capsys: pytest.CaptureFixture[str]
) -> None:
    on_runtime(network, "onnx")
    before = {path: path.stat().st_mtime_ns for path in cache_folder().iterdir()}
    capsys.readouterr()
    on_runtime(network, "onnx")
    assert "once" not in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in cache_folder().iterdir()} == before


def test_whatever_changes_an_answer_changes_the_digest() -> None:
    torch.manual_seed(0)
    first = tiny_network()
    found = {digest(first)}
    with torch.no_grad():
        first.head.state_dict()[next(iter(first.head.state_dict()))].add_(1e-3)
    found.add(digest(first))
    first.backbone.keep_ratio = 0.123
    found.add(digest(first))
    first.backbone.elimination_blocks = frozenset({0})
    found.add(digest(first))
    first.search_factor = 5.0
    found.add(digest(first))
    assert len(found) == 5


def test_pytorch_stays_what_it_is(network: AllInOne) -> None:
    assert on_runtime(network) is network


@pytest.mark.parametrize(
    ("runtime", "precision"), [("torch", "int8"), ("onnx", "bfloat16"), ("openvino", "int8")]
)
def test_precisions_that_are_not_there(runtime: Any, precision: Any, network: AllInOne) -> None:
    with pytest.raises(ConfigError, match=f"{runtime} has no precision {precision}; there are"):
        on_runtime(network, runtime, precision)


def test_missing_packages_and_devices(network: AllInOne, monkeypatch: pytest.MonkeyPatch) -> None:
    other = OnRuntime(network, "onnx")
    with pytest.raises(ConfigError, match="--device cpu"):
        Tracker(other, device="meta")
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install openvino"):
        on_runtime(network, "openvino")


def test_a_damaged_file_leaves_nothing_behind(
    network: AllInOne, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "export_network", broken)
    with pytest.raises(OSError, match="No space"):
        on_runtime(network, "onnx")
    assert not list(tmp_path.rglob("*.onnx"))


@pytest.mark.slow
def test_the_commands_take_a_runtime(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = str(write_clip(tmp_path / "clip.mp4", count=4))
    boxes = []
    for name in ("torch", "onnx"):
        save = tmp_path / f"{name}.txt"
        words = ["track", clip, "--box", "20,40,24,24", "--save", str(save), "--runtime", name]
        assert APP.main(words) == 0
        boxes.append(np.loadtxt(save, delimiter=","))
    assert np.allclose(*boxes, atol=0.02)
    assert APP.main(["track", clip, "--box", "1,1,9,9", "--precision", "int8"]) == 1
    assert "The runtime torch has no precision int8" in capsys.readouterr().err
    tracker = vl_track.load(runtime="onnx")
    assert isinstance(tracker.network, OnRuntime)


def test_results_of_another_runtime_are_not_mixed_in() -> None:
    plain = {"dataset": "lasot", "split": "test", "prompt": "box+text",
             "layout": "got10k", "options": {}}  # fmt: skip
    plans = [
        Plan(weights=f"abc{_runtime_name(*kind)}", **plain)  # type: ignore[arg-type]
        for kind in (("torch", "float32"), ("onnx", "float32"), ("onnx", "int8"))
    ]
    assert len({json.dumps(vars(plan), sort_keys=True) for plan in plans}) == 3
