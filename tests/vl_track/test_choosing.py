"""What computes is chosen by what is installed and was measured; options override it."""

import json
import subprocess
import sys

import pytest

import vl_track
from holdfast.errors import ConfigError, MissingToolError
from vl_track import choosing, opening
from vl_track.choosing import MOST_LOST, Choice, choose
from vl_track.commands.benchmark import _runtime_name
from vl_track.devices import choose_device
from vl_track.graphs import sessions
from vl_track.graphs.description import Loss
from vl_track.graphs.network import GraphNetwork
from vl_track.nn.network import AllInOne
from vl_track.scoring.benchmarking import Plan

LITTLE = {"bfloat16": Loss(auc_lost=0.001, standard_error=0.002, videos=40)}
MUCH = {"bfloat16": Loss(auc_lost=2 * MOST_LOST, standard_error=0.002, videos=40)}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the runtimes that seem to be there; tests change it."""
    found = {"openvino", "onnx"}
    for module in (choosing, sessions):
        monkeypatch.setattr(module, "is_installed", lambda name: name in found)
    monkeypatch.setattr(choosing, "computes_bfloat16", lambda: True)
    return found


def test_the_fastest_that_is_installed_is_taken(installed: set[str]) -> None:
    assert choose() == Choice("openvino", "float32")
    installed.remove("openvino")
    assert choose() == Choice("onnx", "float32")
    installed.clear()
    assert choose() == Choice("torch", "float32")


def test_fewer_bits_only_where_they_were_measured_and_the_cpu_has_them(
    installed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose(losses=LITTLE).precision == "bfloat16"
    assert choose(losses=MUCH).precision == "float32"
    assert choose(losses={}).precision == "float32"
    assert choose("onnx", losses=LITTLE).precision == "float32"
    monkeypatch.setattr(choosing, "computes_bfloat16", lambda: False)
    assert choose(losses=LITTLE).precision == "float32"


def test_what_is_asked_for_is_done_or_refused(installed: set[str]) -> None:
    assert choose("torch", losses=LITTLE) == Choice("torch", "float32")
    assert choose("onnx") == Choice("onnx", "float32")
    assert choose("auto", "bfloat16", MUCH) == Choice("openvino", "bfloat16")
    assert choose("openvino", "float32", LITTLE) == Choice("openvino", "float32")
    with pytest.raises(ConfigError, match="torch has no precision bfloat16; there are"):
        choose("torch", "bfloat16")
    installed.remove("openvino")
    with pytest.raises(MissingToolError, match="pip install openvino"):
        choose("openvino")
    with pytest.raises(MissingToolError, match="pip install openvino"):
        choose("auto", "bfloat16")


def test_load_takes_the_chosen_runtime_and_an_option_overrides() -> None:
    pytest.importorskip("openvino")
    chosen = vl_track.load(device="cpu").network
    assert isinstance(chosen, GraphNetwork)
    assert chosen.runtime == "openvino"
    asked = vl_track.load(runtime="onnx").network
    assert isinstance(asked, GraphNetwork)
    assert opening.named(asked) == "onnx in float32"
    own = vl_track.load(device="cpu", runtime="torch").network
    assert isinstance(own, AllInOne)
    assert opening.named(own) == "torch in float32"


def test_a_gpu_goes_before_the_runtimes_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "has_no_gpu", lambda: False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert choose_device() == "cuda", "load picks the device as the command line does"
    assert opening.settle().device == "cuda"
    assert opening.settle().graph is None
    assert opening.settle(runtime="onnx").device == "cpu"
    assert opening.settle(device="cpu").graph is not None
    with pytest.raises(ConfigError, match="--device cpu"):
        opening.settle(device="cuda", runtime="onnx")


def test_results_of_another_runtime_are_not_mixed_in() -> None:
    plain = {"dataset": "lasot", "split": "test", "prompt": "box+text",
             "layout": "got10k", "options": {}}  # fmt: skip
    kinds = [Choice("torch", "float32"), Choice("onnx", "float32"), Choice("openvino", "bfloat16")]
    plans = [
        Plan(weights=f"abc{_runtime_name(one)}", **plain)  # type: ignore[arg-type]
        for one in kinds
    ]
    assert len({json.dumps(vars(plan), sort_keys=True) for plan in plans}) == 3


@pytest.mark.parametrize(
    "module",
    [
        "vl_track",
        "vl_track.opening",
        "vl_track.tracking.tracker",
        "vl_track.tracking.together",
        "vl_track.tracking.video",
        "vl_track.vot",
        *(f"vl_track.commands.{name}" for name in (
            "annotate", "benchmark", "clips", "convert", "data", "demo", "evaluate", "example",
            "score", "submit", "track", "vot",
        )),
    ],
)  # fmt: skip
def test_what_needs_no_torch_does_not_import_it(module: str) -> None:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules or 'timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
