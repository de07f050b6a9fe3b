"""Exported files answer as PyTorch does; the runners in docs/export.md work as printed."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dropout_ft.app import APP as DROPOUT
from dropout_ft.loading import load_classifier
from holdfast.errors import CheckpointError, MissingToolError
from holdfast.exporting import FORMATS, check_tools, export_network
from holdfast.exporting.answers import run_onnx, run_package, run_program, worst_difference
from scenes_support import painted_root, small_world, tiny_network
from tests_support import only_run
from vl_track.app import APP
from vl_track.exporting import TrackingStep, example_inputs, write_step
from vl_track.loading import load_network
from vl_track.scenes.make import make_scene
from vl_track.tracking import Tracker, TrackerOptions

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"


class Small(nn.Module):
    """Two inputs, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        return self.linear(first), first.sum(1) + second


class FixedBatch(nn.Module):
    """Its output depends on the batch's size in Python, so no file can serve every size."""

    def forward(self, first: Tensor) -> Tensor:
        return first * len(first)


def runner(name: str) -> str:
    """Return a program of docs/export.md."""
    text = (ROOT / "docs/export.md").read_text()
    (found,) = re.findall(rf"```python\n# runner: {name}\n(.*?)```", text, re.DOTALL)
    return str(found)


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {"first": torch.randn(1, 4), "second": torch.randn(1)}


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_files_take_any_batch_and_answer_alike(
    kind: Any, inputs: dict[str, Tensor], tmp_path: Path
) -> None:
    network = Small()
    path, worst = export_network(network, inputs, tmp_path / "x", kind, outputs=["a", "b"])
    assert path == tmp_path / f"x{FORMATS[kind]}"
    assert worst < 1e-6
    larger = {"first": torch.randn(7, 4), "second": torch.randn(7)}
    answers = {"onnx": run_onnx, "pt2": run_program}[kind](path, larger)
    assert [a.shape for a in answers] == [(7, 3), (7,)]
    assert worst_difference(network, larger, answers) < 1e-6
    wrong = {"first": torch.randn(7, 5), "second": torch.randn(7)}
    with pytest.raises(Exception, match=r"(?i)dimension|constraint|guard"):
        {"onnx": run_onnx, "pt2": run_program}[kind](path, wrong)


@pytest.mark.nightly
def test_a_compiled_package_answers_alike(inputs: dict[str, Tensor], tmp_path: Path) -> None:
    path, worst = export_network(Small(), inputs, tmp_path / "x", "aoti", outputs=["a", "b"])
    assert path.name == "x.aoti.pt2"
    assert worst < 1e-6
    larger = {"first": torch.randn(5, 4), "second": torch.randn(5)}
    assert run_package(path, larger)[0].shape == (5, 3)


def test_a_fixed_batch_is_told_and_not_hidden(tmp_path: Path) -> None:
    example = {"first": torch.randn(1, 4)}
    with pytest.raises(Exception, match="specialized"):
        export_network(FixedBatch(), example, tmp_path / "x", "pt2", outputs=["a"])
    path, _ = export_network(
        FixedBatch(), example, tmp_path / "x", "pt2", outputs=["a"], dynamic_batch=False
    )
    assert path.is_file()


def test_a_file_that_answers_otherwise_is_not_written(
    inputs: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        __import__("holdfast.exporting.formats", fromlist=["x"])._RUNNERS,
        "pt2",
        lambda path, given: [value + 0.1 for value in run_program(path, given)],
    )
    with pytest.raises(CheckpointError, match=r"x\.pt2 was not written: .* differ"):
        export_network(Small(), inputs, tmp_path / "x", "pt2", outputs=["a", "b"])
    assert list(tmp_path.iterdir()) == []


def test_nan_is_a_difference(inputs: dict[str, Tensor]) -> None:
    answers = [np.full((1, 3), np.nan), np.zeros(1)]
    assert not worst_difference(Small(), inputs, answers) <= 1e9


def test_missing_tools_are_named_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install onnx onnxscript onnxruntime"):
        check_tools(["onnx"])
    check_tools(["pt2"])
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingToolError, match=r"install g\+\+"):
        check_tools(["aoti"])


@pytest.mark.parametrize("matching", ["none", "target", "target_and_text"])
def test_every_kind_of_tracker_can_be_exported(matching: Any, tmp_path: Path) -> None:
    network = tiny_network(matching=matching)
    ((path, worst),) = write_step(network, tmp_path, ["onnx"], dynamic_batch=True)
    assert worst < 1e-4
    facts = json.loads((tmp_path / "tracker.json").read_text())
    assert facts["search_size"] == network.backbone.search_size
    assert set(facts["sentences"]) == {""}
    assert not facts["sentences"][""]["present"]
    one = example_inputs(network, seed=5)
    assert worst_difference(TrackingStep(network), one, run_onnx(path, one)) < 1e-4


def test_a_tracker_that_drops_tokens_can_be_exported(tmp_path: Path) -> None:
    network = tiny_network()
    network.backbone.elimination_blocks, network.backbone.keep_ratio = frozenset({0, 1}), 0.7
    ((path, worst),) = write_step(network, tmp_path, ["onnx"])
    assert worst < 1e-4
    for seed in (5, 6):
        one = example_inputs(network, seed=seed)
        assert worst_difference(TrackingStep(network), one, run_onnx(path, one)) < 1e-4


class Sorted(nn.Module):
    """A stable sort, whose order of equal values an export must keep."""

    def forward(self, first: Tensor) -> tuple[Tensor, Tensor]:
        values, places = first.sort(dim=1, descending=True, stable=True)
        return values, places.float()


def test_equal_values_keep_their_order_in_an_export(tmp_path: Path) -> None:
    given = {"first": torch.tensor([[1.0, 3, 3, 2, 3, 0], [5, 5, 5, 5, 5, 5]])}
    path, worst = export_network(
        Sorted(), given, tmp_path / "x", "onnx", outputs=["a", "b"], dynamic_batch=False
    )
    assert worst == 0
    draw = torch.randint(0, 4, (2, 6), generator=torch.Generator().manual_seed(0)).float()
    assert worst_difference(Sorted(), {"first": draw}, run_onnx(path, {"first": draw})) == 0


@pytest.fixture(scope="module")
def exported_tracker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracker")
    words = ["export", "--out", str(folder / "model"), "--formats", "onnx"]
    assert APP.main([*words, "--sentences", "the red ball"]) == 0
    return folder


@pytest.fixture
def at_home(exported_tracker: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(exported_tracker)
    return exported_tracker


def test_the_printed_tracker_follows_as_ours_does(at_home: Path) -> None:
    program: dict[str, Any] = {}
    source = runner("tracker")
    assert len(source.splitlines()) <= 40
    exec(source, program)  # noqa: S102  (our own document)
    world = small_world(painted_root(at_home / "data"), "test", frame_size=(320, 240))
    video = make_scene(world, 3)
    frames = [video.frame(time) for time in range(8)]
    for sentence in ("", "the red ball"):
        tracker = Tracker(load_network(), TrackerOptions(margin=0, flow=False))
        tracker.initialize(frames[0], video.box(0), sentence)
        theirs = program["follow"](frames, video.box(0), sentence)
        for frame, (box, score) in zip(frames[1:], theirs, strict=True):
            ours = tracker.track(frame)
            assert np.abs(np.subtract(box, ours.box)).max() < 0.5, "the windows differ"
            assert score == pytest.approx(ours.score, abs=0.01)


def test_what_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, expected in (
        (["export", "--out", str(tmp_path)], "nothing to write"),
        (["export", "--out", str(tmp_path), "--formats", "tflite"], "tflite"),
        (["export", "--out", "x", "--ckpt", "a", "--weights", "b"], "not both"),
    ):
        assert APP.main(words) != 0
        assert expected in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_printed_classifier_answers_as_ours_does(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "fit", "--config", str(CONFIGS / "dropout_ft/tiny.yaml"), "--run.root", str(tmp_path),
        f"--data.source={pictures}", "--trainer.max_steps=2",
    ]  # fmt: skip
    assert DROPOUT.main(words) == 0
    last = only_run(tmp_path) / "checkpoints/last.ckpt"
    out = tmp_path / "home/model"
    assert (
        DROPOUT.main(["export", "--ckpt", str(last), "--out", str(out), "--formats", "onnx"]) == 0
    )
    loaded = load_classifier(last)
    size = loaded.image_size
    picture = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    monkeypatch.chdir(out.parent)
    program: dict[str, Any] = {}
    exec(runner("classifier"), program)  # noqa: S102
    found = program["classify"](picture)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = loaded.model(tensor).softmax(1)[0]
    assert list(found) == list(loaded.class_names)
    assert np.allclose(list(found.values()), expected.numpy(), atol=1e-4)
