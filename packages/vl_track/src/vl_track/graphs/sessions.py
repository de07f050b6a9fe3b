"""Opening a graph in ONNX Runtime or OpenVINO. Either is imported when it is used."""

import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import CheckpointError, ConfigError, MissingToolError
from vl_track.runtimes import PACKAGES, PRECISIONS, Precision, Runtime

INPUTS = {"template", "search", "text", "present", "target", "prior"}
"""Of a graph; one that a network has no use for may be left out."""
Run = Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]]


def open_graph(file: Path, runtime: Runtime, precision: Precision, threads: int = 0) -> Run:
    """Return what computes a graph's outputs from its inputs, by name.

    Args:
        file: ONNX.
        runtime: ``onnx`` or ``openvino``.
        precision: one that the runtime has.
        threads: by default ``OMP_NUM_THREADS``, or as many as the runtime finds good.

    Raises:
        CheckpointError: the runtime cannot open the file.
    """
    count = threads or int(os.environ.get("OMP_NUM_THREADS") or 0)
    try:
        return _OPENERS[runtime](file, precision, count)
    except _refusals(runtime) as error:
        reason = str(error).strip().splitlines()
        raise CheckpointError(
            f"{runtime} cannot open {file} ({reason[0] if reason else type(error).__name__}): "
            "choose another with --runtime."
        ) from error


def _refusals(runtime: Runtime) -> tuple[type[Exception], ...]:
    """Return what a runtime raises about a file that it cannot compute."""
    ours = (OSError, RuntimeError, StopIteration, ValueError)  # and OpenVINO's
    if runtime != "onnx":
        return ours
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    raised = (one for one in vars(state).values() if isinstance(one, type))
    return (*ours, *(one for one in raised if issubclass(one, Exception)))


def check(runtime: Runtime, precision: Precision) -> None:
    """Refuse what cannot be.

    Raises:
        ConfigError: the runtime has no such precision.
        MissingToolError: its package is not installed.
    """
    if precision != "auto" and precision not in PRECISIONS[runtime]:
        known = "; ".join(
            f"{name}: {', '.join(kinds)}" for name, kinds in PRECISIONS.items() if name != "auto"
        )
        raise ConfigError(f"The runtime {runtime} has no precision {precision}; there are {known}.")
    package = PACKAGES.get(runtime)
    if package is not None and not is_installed(runtime):
        raise MissingToolError(f"The runtime {runtime} needs {package}: `pip install {package}`.")


def is_installed(runtime: Runtime) -> bool:
    """Tell whether the package of a runtime is installed."""
    return importlib.util.find_spec(PACKAGES[runtime]) is not None


@lru_cache(maxsize=1)
def computes_bfloat16() -> bool:
    """Tell whether OpenVINO is installed and this CPU multiplies in bfloat16."""
    if not is_installed("openvino"):
        return False
    core = importlib.import_module("openvino").Core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _open_onnx(file: Path, precision: Precision, threads: int) -> Run:
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    # A network without language has no use for a sentence, and its file no such input.
    known = [one.name for one in session.get_inputs()]

    def run(given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        found: list[NDArray[Any]] = session.run(None, {name: given[name] for name in known})
        return found

    return run


def _open_openvino(file: Path, precision: Precision, threads: int) -> Run:
    openvino = importlib.import_module("openvino")
    wanted: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    if threads:
        wanted["INFERENCE_NUM_THREADS"] = threads
    model = openvino.Core().compile_model(str(file), "CPU", wanted)
    # Where a value is passed on unchanged, it has several names.
    known = [next(iter(one.get_names() & INPUTS)) for one in model.inputs]
    request = model.create_infer_request()
    count = len(model.outputs)

    def run(given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        request.infer({name: given[name] for name in known}, share_inputs=True)
        return [np.array(request.get_output_tensor(index).data) for index in range(count)]

    return run


_OPENERS: dict[str, Callable[[Path, Precision, int], Run]] = {
    "onnx": _open_onnx,
    "openvino": _open_openvino,
}
