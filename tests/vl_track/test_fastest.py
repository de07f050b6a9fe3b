"""The fastest runtime is measured once, and taken only where it gives PyTorch's boxes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vl_track
from holdfast.errors import CheckpointError
from scenes_support import tiny_config, tiny_network
from vl_track import fastest
from vl_track.fastest import SAME_BOXES, Trial, compare, fastest_runtime, installed, trial
from vl_track.loading import load_network, save_network
from vl_track.nn.network import AllInOne
from vl_track.runtime import OnRuntime, cache_folder, on_runtime


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def network() -> AllInOne:
    torch.manual_seed(0)
    return tiny_network().eval()


def pretend(monkeypatch: pytest.MonkeyPatch, **trials: Trial | Exception) -> list[str]:
    """Let runtimes have these trials; returns the list of those that were measured."""
    measured: list[str] = []
    monkeypatch.setattr(fastest, "installed", lambda: ["openvino", "onnx"])
    monkeypatch.setattr(fastest, "on_runtime", lambda network, name: name)
    monkeypatch.setattr(fastest, "_versions", lambda others: {"torch": "1"})

    def measure(one: Any) -> Trial:
        name = one if isinstance(one, str) else "torch"
        measured.append(name)
        found = trials[name]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(fastest, "trial", measure)
    return measured


BOXES = np.arange(48.0).reshape(12, 4)


def test_the_fastest_with_the_same_boxes_is_taken(
    network: AllInOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: Any = ["openvino", "onnx"]
    pretend(monkeypatch, torch=Trial(0.1, BOXES), openvino=Trial(0.02, BOXES + 0.02),
            onnx=Trial(0.05, BOXES + 0.005))  # fmt: skip
    assert compare(network, others)[0] == "onnx", "openvino is faster, but differs"
    pretend(monkeypatch, torch=Trial(0.1, BOXES), openvino=Trial(0.095, BOXES),
            onnx=Trial(1, BOXES))  # fmt: skip
    assert compare(network, others)[0] == "torch", "a gain that is worth nothing"
    pretend(monkeypatch, torch=Trial(0.1, BOXES), openvino=CheckpointError("no"),
            onnx=Trial(0.01, BOXES * np.nan))  # fmt: skip
    chosen, found = compare(network, others)
    assert chosen == "torch"
    assert found["openvino"] == {"error": "no"}


def test_it_is_measured_once_and_again_after_an_update(
    network: AllInOne, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = {"torch": Trial(0.1, BOXES), "openvino": Trial(0.02, BOXES), "onnx": Trial(1, BOXES)}
    measured = pretend(monkeypatch, **trials)
    assert fastest_runtime(network, measure=False) == "torch"
    assert not measured
    assert fastest_runtime(network) == "openvino"
    assert "measuring which runtime" in capsys.readouterr().err
    assert fastest_runtime(network) == fastest_runtime(network, measure=False) == "openvino"
    assert measured == ["torch", "openvino", "onnx"]
    monkeypatch.setattr(fastest, "_versions", lambda others: {"torch": "2"})
    assert fastest_runtime(network, measure=False) == "torch"
    fastest_runtime(network)
    assert len(measured) == 6
    (file,) = cache_folder().glob("*.fastest.json")
    assert json.loads(file.read_text())["trials"]["openvino"]["pixels_apart"] == 0
    for damage in ("", "[]", '{"runtime": "os.system", "versions": {"torch": "2"}}'):
        file.write_text(damage)
        assert fastest_runtime(network, measure=False) == "torch"


def test_nothing_is_measured_where_nothing_else_is_installed(
    network: AllInOne, monkeypatch: pytest.MonkeyPatch
) -> None:
    for missing in ("onnxscript", "onnxruntime"):
        monkeypatch.setattr(
            "importlib.util.find_spec", lambda name, m=missing: None if name == m else 1
        )
        assert installed() == []
        assert fastest_runtime(network) == "torch"
    assert not cache_folder().exists()


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_the_shipped_model_gives_the_same_boxes_on_every_runtime(runtime: Any) -> None:
    """The stated tolerance: 0.01 pixels, each frame started from the same box."""
    pytest.importorskip("onnxruntime")
    if runtime == "openvino":
        pytest.importorskip("openvino")
    network = load_network()
    own, other = trial(network), trial(on_runtime(network, runtime))
    assert np.abs(own.boxes - other.boxes).max() <= SAME_BOXES
    assert np.ptp(own.boxes[:, 0]) > 5


def test_load_takes_the_chosen_runtime_and_an_option_overrides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    save_network(tmp_path / "model", tiny_config(), tiny_network().state_dict())
    monkeypatch.setattr(fastest, "fastest_runtime", lambda *_, **__: "onnx")
    assert isinstance(vl_track.load(tmp_path / "model", device="cpu").network, OnRuntime)
    own = vl_track.load(tmp_path / "model", device="cpu", runtime="torch").network
    assert isinstance(own, AllInOne)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    from vl_track.devices import choose_device

    assert choose_device() == "cuda", "load picks the device as the command line does"


def test_a_runtime_is_written_without_lightning(tmp_path: Path) -> None:
    """Outside of the command line, the note about the written file raised an error."""
    pytest.importorskip("onnxruntime")
    save_network(tmp_path / "model", tiny_config(), tiny_network().state_dict())
    program = f"import vl_track; vl_track.load({str(tmp_path / 'model')!r}, runtime='onnx')"
    words = [sys.executable, "-c", program]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "writing the network for other runtimes, once" in run.stderr


@pytest.mark.parametrize(
    "module",
    [
        "vl_track",
        "vl_track.tracking.video",
        *(f"vl_track.commands.{name}" for name in (
            "annotate", "convert", "data", "demo", "evaluate", "example", "submit", "track",
        )),
    ],
)  # fmt: skip
def test_what_needs_no_torch_does_not_import_it(module: str) -> None:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
