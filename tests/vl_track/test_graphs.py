"""Graphs give PyTorch's boxes without PyTorch; a damaged or foreign one is never used."""

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vl_track
from holdfast.errors import CheckpointError, ConfigError, MissingToolError
from scenes_support import tiny_network
from tracking_support import frame_with, moving_box, write_clip
from vl_track import opening
from vl_track.app import APP
from vl_track.finding import Conventions, Network
from vl_track.graphs import sessions, writing
from vl_track.graphs.description import FILE, GRAPH, Description
from vl_track.graphs.kept import place_for
from vl_track.graphs.network import GraphNetwork
from vl_track.graphs.writing import as_graph, keep_graph, write_graph
from vl_track.loading import load_network, save_network
from vl_track.nn.heads import CentreHead, MLPHead
from vl_track.nn.network import AllInOne
from vl_track.nn.text import NoText, OfficialText, TextEncoder, TokenText, WordPieceText
from vl_track.packaged import packaged
from vl_track.tracking import Tracker, TrackerOptions, track_together

pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
pytest.importorskip("openvino", reason="pip install openvino")
RUNTIMES = ["onnx", "openvino"]


@pytest.fixture(scope="module")
def network() -> AllInOne:
    torch.manual_seed(0)
    return tiny_network().eval()


@pytest.fixture(scope="module")
def graph(network: AllInOne, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph") / "one"
    keep_graph(network, folder)
    return folder


@pytest.fixture(scope="module")
def shipped_boxes() -> dict[str, np.ndarray]:
    """PyTorch's boxes and scores of the shipped model, by the kind of prompt."""
    return {kind: boxes_of(load_network(), **prompt) for kind, prompt in PROMPTS.items()}


PROMPTS: dict[str, dict[str, Any]] = {
    "box": {"box": (150.0, 40.0, 90.0, 110.0)},
    "text": {"text": "the man"},
    "both": {"box": (150.0, 40.0, 90.0, 110.0), "text": "the red man"},
}


def boxes_of(network: Network, **prompt: Any) -> np.ndarray:
    """Track the example clip with it: (T, 5), boxes and score."""
    from vl_track.commands.example import CLIP
    from vl_track.data.clips import pip_clip

    tracker = Tracker(network, TrackerOptions(allow_nothing=True))
    steps = tracker.follow(str(pip_clip(CLIP)), **prompt)
    return np.array([(*step.box, step.score) for step, _ in zip(steps, range(40), strict=False)])


def follow(network: Network, text: str = "the red thing", **options: Any) -> np.ndarray:
    tracker = Tracker(network, TrackerOptions(**options))
    tracker.initialize(frame_with(moving_box(0)), moving_box(0), text)
    return np.array([tracker.track(frame_with(moving_box(time))).box for time in range(1, 5)])


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROMPTS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_shipped_model_gives_pytorchs_boxes_over_the_example_clip(
    runtime: Any, kind: str, shipped_boxes: dict[str, np.ndarray]
) -> None:
    """Told by a box, a sentence, or both; each box is the start of the next one's search."""
    found = boxes_of(GraphNetwork(packaged(), runtime), **PROMPTS[kind])
    assert len(found) == 40
    assert np.abs(found[:, :4] - shipped_boxes[kind][:, :4]).max() <= 0.01, "pixels"
    assert np.abs(found[:, 4] - shipped_boxes[kind][:, 4]).max() <= 1e-4
    assert np.ptp(found[:, 0]) > 1, "the object moves"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_options_of_the_tracker_still_count(runtime: Any, network: AllInOne, graph: Path) -> None:
    other = GraphNetwork(graph, runtime)
    options: dict[str, Any] = {"window_weight": 0.0, "size_memory": 0.5, "hann": False}
    assert np.allclose(follow(other), follow(network), atol=0.01)
    assert np.allclose(follow(other, **options), follow(network, **options), atol=0.01)
    assert not np.allclose(follow(other, **options), follow(other), atol=0.01)


def test_pieces_of_a_frame_and_several_videos(network: AllInOne, graph: Path) -> None:
    frames = [frame_with(moving_box(time)) for time in (0, 1)]

    def boxes(of: Network) -> list[Any]:
        options = [TrackerOptions(grounding_scales=(1.0, 0.5)), TrackerOptions(hann=False)]
        trackers = [Tracker(of, one) for one in options]
        for tracker in trackers:
            tracker.initialize(frames[0], text="the red thing")
        return [found.box for found in track_together(trackers, [frames[1]] * 2)]

    assert np.allclose(boxes(GraphNetwork(graph, "onnx")), boxes(network), atol=0.01)


@pytest.mark.filterwarnings("ignore:A sentence has")
@pytest.mark.parametrize(
    "text",
    [
        NoText,
        partial(OfficialText, vocabulary=200, num_features=16),
        partial(TokenText, vocabulary="scenes", num_features=16),
        partial(WordPieceText, num_features=16),
    ],
)
def test_sentences_are_encoded_as_in_pytorch(text: Any, tmp_path: Path) -> None:
    torch.manual_seed(3)
    encoder: TextEncoder = text()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    network = with_text(encoder)
    keep_graph(network, tmp_path / "graph")
    other = GraphNetwork(tmp_path / "graph", "onnx")
    for sentence in ("", "The RED ball.", "a zebra behind the teapot", "qqxzj", "the", "red " * 99):
        one, two = network.read(sentence), other.read(sentence)
        assert one.vectors.shape == two.vectors.shape
        assert np.allclose(one.vectors, two.vectors, atol=1e-5)
        assert one.present.tolist() == two.present.tolist()
        assert network.text.remarks(sentence) == other.text.remarks(sentence)
        assert network.text.knows(sentence) == other.text.knows(sentence)


def with_text(text: TextEncoder) -> AllInOne:
    """A tiny network with another text encoder."""
    plain = tiny_network()
    return AllInOne(plain.backbone, text, head=partial(CentreHead, channels=16)).eval()


class Shouted(TokenText):
    """An encoder that only PyTorch has."""


def test_a_text_encoder_of_pytorch_alone_is_kept_beside_the_graph(tmp_path: Path) -> None:
    network = with_text(Shouted("scenes", num_features=16))
    other = as_graph(network, tmp_path / "graph", "onnx")
    assert np.allclose(follow(other), follow(network), atol=0.01)
    with pytest.raises(ConfigError, match="needs PyTorch"):
        GraphNetwork(tmp_path / "graph", "onnx")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_heads_targets_and_presence_are_in_the_graph(runtime: Any, tmp_path: Path) -> None:
    torch.manual_seed(1)
    head = partial(MLPHead, channels=8)
    network = tiny_network(head=head, target_types=True, presence=True).eval()
    with torch.no_grad():
        assert network.backbone.target_types is not None
        network.backbone.target_types.normal_()  # type: ignore[union-attr,operator]
    other = as_graph(network, tmp_path / "graph", runtime)
    trackers = [Tracker(one) for one in (network, other)]
    for box in (moving_box(0), (30.0, 40.0, 50.0, 10.0)):
        for tracker in trackers:
            tracker.initialize(frame_with(moving_box(0)), box, "the red thing")
        one, two = (tracker.track(frame_with(moving_box(1))) for tracker in trackers)
        assert np.allclose(one.box, two.box, atol=0.01)
        assert trackers[0].present == pytest.approx(trackers[1].present, abs=1e-4)


def test_conventions_go_with_the_graph(tmp_path: Path) -> None:
    network = tiny_network().eval()
    network.conventions = Conventions(unrounded_corner=True, least_window=3.0)
    keep_graph(network, tmp_path / "graph")
    assert GraphNetwork(tmp_path / "graph", "onnx").conventions == network.conventions


def test_the_weights_lie_in_safetensors_only(network: AllInOne, tmp_path: Path) -> None:
    """The shipped graph adds a hundredth to the wheel."""
    whole = sum(file.stat().st_size for file in packaged().glob("*.safetensors"))
    assert (packaged() / GRAPH).stat().st_size < whole / 100
    save_network(tmp_path, {"a": 1}, network.state_dict())
    with torch.no_grad():
        half = tiny_network().eval()
        half.load_state_dict({k: v.half().float() if v.is_floating_point() else v
                              for k, v in network.state_dict().items()})  # fmt: skip
    write_graph(half, tmp_path, ["config.json"])
    assert np.allclose(follow(GraphNetwork(tmp_path, "openvino")), follow(half), atol=0.01)


def test_the_shipped_graph_is_that_of_the_shipped_weights() -> None:
    """Read alone: every digest fits, and so do the sizes."""
    known, network = Description.read(packaged()), load_network()
    assert set(known.files) == {GRAPH, "config.json", *(
        file.name for file in packaged().glob("*.safetensors"))}  # fmt: skip
    assert known.search_size == network.search_size
    assert known.template_size == network.template_size
    assert known.conventions == network.conventions
    assert (known.template_factor, known.search_factor) == (2.0, 4.0)


@pytest.mark.parametrize("name", [GRAPH, "weights.safetensors", FILE])
def test_a_damaged_graph_is_refused(name: str, graph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(graph, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match=r"cannot be read|is not the file that"):
        GraphNetwork(folder, "onnx")


def test_a_description_names_no_file_elsewhere(graph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(graph, folder)
    found = json.loads((folder / FILE).read_text())
    found["files"]["../secret"] = "0"
    (folder / FILE).write_text(json.dumps(found))
    with pytest.raises(CheckpointError, match="is not the file"):
        Description.read(folder)
    found["format"] = 0
    (folder / FILE).write_text(json.dumps(found))
    with pytest.raises(CheckpointError, match="another version"):
        Description.read(folder)


def test_a_runtime_that_cannot_open_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no graph")
    for runtime in RUNTIMES:
        with pytest.raises(CheckpointError, match="choose another with --runtime"):
            sessions.open_graph(tmp_path / "x.onnx", runtime, "float32")  # type: ignore[arg-type]


def test_answers_that_differ_leave_nothing_behind(
    network: AllInOne, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "TOLERANCE", -1.0)
    with pytest.raises(CheckpointError, match="differs from PyTorch by"):
        keep_graph(network, tmp_path / "graph")
    assert not (tmp_path / "graph").exists()
    assert not list(tmp_path.rglob("*.onnx"))


def test_misuse_is_told(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="--device cpu"):
        Tracker(GraphNetwork(graph, "onnx"), device="meta")
    with pytest.raises(ConfigError, match="onnx has no precision bfloat16; there are"):
        GraphNetwork(graph, "onnx", "bfloat16")
    monkeypatch.setattr(sessions.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install openvino"):
        GraphNetwork(graph, "openvino")


@pytest.fixture
def model(network: AllInOne, tmp_path: Path) -> Path:
    """A model folder without a graph."""
    from scenes_support import tiny_config

    save_network(tmp_path / "model", tiny_config(), tiny_network().state_dict())
    return tmp_path / "model"


def test_a_graph_is_kept_once_for_the_very_files(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_CACHE", str(model.parent / "kept"))
    first = vl_track.load(model, device="cpu", runtime="onnx")
    assert "once" in capsys.readouterr().err
    vl_track.load(model, device="cpu")
    assert capsys.readouterr().err == ""
    assert np.allclose(follow(first.network), follow(load_network(model)), atol=0.01)
    other = place_for(model)
    (model / "config.json").write_text((model / "config.json").read_text() + " ")
    assert place_for(model) != other, "a changed file has another graph"


def test_a_damaged_kept_graph_is_written_again(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vl_track.load(model, device="cpu", runtime="onnx")
    kept = place_for(model) / GRAPH
    kept.write_bytes(kept.read_bytes()[:-100])
    capsys.readouterr()
    again = vl_track.load(model, device="cpu", runtime="onnx")
    assert "the kept graph is written again" in capsys.readouterr().err
    assert np.allclose(follow(again.network), follow(load_network(model)), atol=0.01)


def test_a_graph_of_other_weights_is_left_out(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights exchanged under an old graph would be tracked with the old sizes and words."""
    write_graph(load_network(model), model, ["config.json"])
    state = {name: value * 1.5 if value.is_floating_point() else value
             for name, value in load_network(model).state_dict().items()}  # fmt: skip
    from scenes_support import tiny_config

    save_network(model, tiny_config(), state)
    tracker = vl_track.load(model, device="cpu", runtime="onnx")
    assert "the graph beside the weights is left out" in capsys.readouterr().err
    assert np.allclose(follow(tracker.network), follow(load_network(model)), atol=0.01)


def test_where_nobody_asked_a_graph_that_cannot_be_kept_is_only_said(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise CheckpointError("there is no room.")

    monkeypatch.setenv("HOLDFAST_CACHE", str(model.parent / "cache"))
    monkeypatch.setattr(writing, "keep_graph", full)
    assert isinstance(vl_track.load(model, device="cpu").network, AllInOne)
    assert "PyTorch computes, because" in capsys.readouterr().err
    with pytest.raises(CheckpointError, match="no room"):
        vl_track.load(model, device="cpu", runtime="onnx")
    capsys.readouterr()
    few = opening.load_tracker(model, device="cpu", frames=20)
    assert isinstance(few.network, AllInOne), "not worth ten seconds"
    assert capsys.readouterr().err == ""


TORCHLESS = """
import sys
from vl_track.app import APP
code = APP.main(sys.argv[1:])
loaded = sorted({"torch", "timm", "torchvision", "pytorch_lightning"} & set(sys.modules))
sys.exit(code or (f"imported: {loaded}" if loaded else 0))
"""


@pytest.mark.parametrize("prompt", [["--box", "20,40,24,24"], ["--text", "the red ball"]])
@pytest.mark.parametrize("runtime", ["auto", *RUNTIMES])
def test_track_imports_no_torch(runtime: str, prompt: list[str], tmp_path: Path) -> None:
    """The first box took 6.6 s of CPU, 6 of which imported torch and what comes with it."""
    clip = str(write_clip(tmp_path / "clip.mp4", count=3))
    words = ["track", clip, *prompt, "--runtime", runtime, "--device", "cpu",
             "--out", str(tmp_path / "o.mp4"), "--save", str(tmp_path / "b.csv")]  # fmt: skip
    run = subprocess.run([sys.executable, "-c", TORCHLESS, *words], capture_output=True, text=True,
                         check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "b.csv").is_file()


@pytest.mark.slow
def test_the_commands_take_a_runtime(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = str(write_clip(tmp_path / "clip.mp4", count=4))
    boxes = []
    for name in ("torch", *RUNTIMES):
        save = tmp_path / f"{name}.txt"
        words = ["track", clip, "--box", "20,40,24,24", "--save", str(save), "--runtime", name]
        assert APP.main([*words, "--precision", "float32"]) == 0
        boxes.append(np.loadtxt(save, delimiter=","))
    assert np.allclose(boxes[0], boxes[1], atol=0.02)
    assert np.allclose(boxes[0], boxes[2], atol=0.02)
    words = ["track", clip, "--box", "1,1,9,9", "--runtime", "torch", "--precision", "bfloat16"]
    assert APP.main(words) == 1
    assert "The runtime torch has no precision bfloat16" in capsys.readouterr().err


def test_a_precision_that_presence_was_not_fitted_in_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """``presence.json`` is bound to the weights, and bfloat16 computes other numbers with them."""
    vl_track.load(device="cpu", runtime="openvino", precision="float32")
    assert "fitted in float32" not in capsys.readouterr().err
    vl_track.load(device="cpu", runtime="openvino", precision="bfloat16")
    assert "fitted in float32, and bfloat16 moves them" in capsys.readouterr().err
