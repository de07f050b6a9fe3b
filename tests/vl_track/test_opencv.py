"""OpenCV's trackers with networks of the user's: tried with tiny graphs of the same inputs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holdfast.errors import ConfigError
from tracking_support import frame_with, moving_box
from vl_track.app import APP
from vl_track.commands.clips import _networks, _rivals
from vl_track.scoring.opencv import OpenCVTracker

onnx: Any = pytest.importorskip("onnx", reason="pip install onnx")


def value(name: str, *shape: int) -> Any:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def constant(name: str, array: np.ndarray) -> Any:
    return onnx.numpy_helper.from_array(array.astype(np.float32), name)


def save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], *kept: Any) -> str:
    graph = onnx.helper.make_graph(nodes, "tiny", inputs, outputs, list(kept))
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return str(path)


@pytest.fixture
def vit(tmp_path: Path) -> str:
    """A graph with TrackerVit's inputs and outputs: a quarter of the window, where it was before.

    Every cell scores 0.5, so that OpenCV's Hann window chooses one in the middle.
    """
    node = onnx.helper.make_node
    nodes = [
        node("AveragePool", ["search"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]),
        node("Conv", ["cells", "ignore"], ["seen"]),
        node("ReduceMean", ["template"], ["mean"], keepdims=1),
        node("Mul", ["mean", "zero"], ["nothing"]),
        node("Add", ["seen", "nothing"], ["both"]),
        node("Add", ["both", "sure"], ["output1"]),
        node("Conv", ["output1", "no"], ["level"]),
        node("Add", ["level", "quarter"], ["output2"]),
        node("Add", ["level", "half"], ["output3"]),
    ]
    inputs = [value("template", 1, 3, 128, 128), value("search", 1, 3, 256, 256)]
    outputs = [value("output1", 1, 1, 16, 16), value("output2", 1, 2, 16, 16),
               value("output3", 1, 2, 16, 16)]  # fmt: skip
    return save(
        tmp_path / "vit.onnx", nodes, inputs, outputs,
        constant("ignore", np.zeros((1, 3, 1, 1))), constant("sure", np.full((1, 1, 1, 1), 0.5)),
        constant("zero", np.zeros((1, 1, 1, 1))),
        constant("no", np.zeros((2, 1, 1, 1))), constant("quarter", np.full((1, 2, 1, 1), 0.25)),
        constant("half", np.full((1, 2, 1, 1), 0.5)),
    )  # fmt: skip


def test_trackervit_computes_with_the_users_file(vit: str) -> None:
    tracker = OpenCVTracker("Vit", [vit])
    tracker.initialize(frame_with(moving_box(0)), moving_box(0))
    found = tracker.track(frame_with(moving_box(1)))
    assert found.score == 1
    assert found.box[2:] == (22, 22), "a quarter of a window of ceil(4 * sqrt(24 * 20)) pixels"
    x, y, width, height = moving_box(0)
    centre = found.box[0] + found.box[2] / 2, found.box[1] + found.box[3] / 2
    assert centre == pytest.approx((x + width / 2, y + height / 2), abs=88 / 16)


@pytest.mark.parametrize("name", ["Nano", "Vit"])
def test_a_wrong_file_is_refused(name: Any, vit: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    count = {"Nano": 2, "Vit": 1}[name]
    with pytest.raises(ConfigError, match=f"cannot be used as OpenCV's Tracker{name}"):
        OpenCVTracker(name, [str(broken)] * count)
    with pytest.raises(ConfigError, match="each has to be there"):
        OpenCVTracker(name, ["nowhere.onnx"] * count)
    with pytest.raises(ConfigError, match="needs"):
        OpenCVTracker(name, [])
    if name == "Nano":
        with pytest.raises(ConfigError, match="cannot be used as OpenCV's TrackerNano"):
            OpenCVTracker(name, [vit, vit])  # a network, but another tracker's


def test_the_command_says_it_before_any_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["clips", "real_clips", "--vit", "nowhere.onnx"]) == 1
    assert "TrackerVit needs 1 ONNX file(s), net" in capsys.readouterr().err


def test_a_record_does_not_replace_the_users_files(
    vit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--out` with `--overwrite` once put figures where the network had been."""
    before = Path(vit).read_bytes()
    words = ["clips", "real_clips", "--vit", vit, "--out", vit, "--overwrite"]
    assert APP.main(words) == 1
    assert "is an input" in capsys.readouterr().err
    assert Path(vit).read_bytes() == before


def test_a_file_below_the_home_folder_is_found(vit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest was once asked of a folder named `~`."""
    monkeypatch.setenv("HOME", str(Path(vit).parent))
    assert _rivals(_networks(None, "~/vit.onnx"))[-1].who == "OpenCV Vit"


def test_resuming_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["clips", "real_clips", "--resume"]) == 1
    assert "name it with --out" in capsys.readouterr().err
