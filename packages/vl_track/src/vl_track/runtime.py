"""The tracker's network on another runtime: ONNX Runtime or OpenVINO, in fewer bits if asked."""

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.atomic import atomic_path
from holdfast.errors import ConfigError, MissingToolError
from holdfast.exporting import export_network
from vl_track.devices import choose_device
from vl_track.exporting import example_inputs
from vl_track.nn.heads.base import Maps
from vl_track.nn.network import AllInOne
from vl_track.nn.text.base import TextFeatures
from vl_track.runtimes import Precision, Runtime
from vl_track.tracking.network import Network

Run = Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]]
PACKAGES: dict[Runtime, str] = {"openvino": "openvino", "onnx": "onnxruntime"}
PRECISIONS: dict[Runtime, tuple[Precision, ...]] = {
    "torch": ("float32",),
    "onnx": ("float32", "int8"),
    "openvino": ("float32", "bfloat16"),
}
PLAIN = (str, int, float, tuple, list, frozenset)


class RuntimeOutput(NamedTuple):
    """The part of a network's output that a tracker uses.

    Attributes:
        maps: of the head.
        presence: logit that the target is in the window; ``None`` if the network gives none.
    """

    maps: Maps
    presence: Tensor | None = None


class HeadMaps(nn.Module):
    """The part of a network that a runtime computes: from crops and a sentence to the maps.

    Args:
        network: the tracker's.
    """

    def __init__(self, network: AllInOne) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        template: Tensor,
        search: Tensor,
        text: Tensor,
        present: Tensor,
        target: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Return the tensors of the head's maps; arguments as for ``TrackingStep``.

        Networks with ``presence`` return its logit after them.
        """
        output = self.network(template, search, TextFeatures(text, present), target=target)
        last = () if output.presence is None else (output.presence,)
        return (*output.maps, *last)


class OnRuntime:
    """A network whose single frames are computed by another runtime, for ``Tracker``.

    Several crops at once (grounding in pieces, re-detection, ``track_together``) and sentences go
    through PyTorch.

    Args:
        network: the tracker's, on the CPU.
        runtime: ``onnx`` or ``openvino``.
        precision: ``float32``; ``bfloat16`` with OpenVINO, on CPUs that compute in it; ``int8``
            with ONNX Runtime: products of activations and weights in 8 bits.
        threads: of the runtime; 0 takes torch's.

    Raises:
        ConfigError: the runtime has no such precision.
        MissingToolError: a package is not installed.
    """

    def __init__(
        self,
        network: AllInOne,
        runtime: Runtime,
        precision: Precision = "float32",
        threads: int = 0,
    ) -> None:
        check(runtime, precision)
        self.network = network.eval()
        self.backbone = network.backbone
        self.text = network.text
        self.head = network.head
        self.template_factor = network.template_factor
        self.search_factor = network.search_factor
        self.conventions = network.conventions
        self.wants_target = network.wants_target
        file = written(network, precision)
        self._run = _OPENERS[runtime](file, precision, threads or torch.get_num_threads())

    def eval(self) -> "OnRuntime":
        """Return itself: it always is in evaluation mode."""
        return self

    def to(self, device: torch.device) -> "OnRuntime":
        """Return itself.

        Raises:
            ConfigError: the device is not the CPU.
        """
        if torch.device(device).type != "cpu":
            raise ConfigError("ONNX Runtime and OpenVINO are used on the CPU here: --device cpu.")
        return self

    @torch.inference_mode()
    def __call__(
        self,
        template: Tensor,
        search: Tensor,
        text: TextFeatures,
        *,
        target: Tensor | None = None,
    ) -> RuntimeOutput:
        """Return the maps; see :meth:`AllInOne.forward`."""
        if search.shape[0] != 1:
            output = self.network(template, search, text, target=target)
            return RuntimeOutput(output.maps, output.presence)
        given = {
            "template": template,
            "search": search,
            "text": text.vector_BC,
            "present": text.present_B,
        }
        if self.wants_target and target is not None:
            given["target"] = target
        found = self._run({name: value.numpy() for name, value in given.items()})
        tensors = [torch.from_numpy(np.ascontiguousarray(one)) for one in found]
        presence = None if self.network.presence is None else tensors.pop()
        return RuntimeOutput(self.head.maps(*tensors), presence)


def on_runtime(
    network: AllInOne, runtime: Runtime = "torch", precision: Precision = "float32"
) -> Network:
    """Return the network itself, or on another runtime.

    Raises:
        ConfigError: the runtime has no such precision.
        MissingToolError: a package is not installed.
    """
    check(runtime, precision)
    return network if runtime == "torch" else OnRuntime(network, runtime, precision)


def device_for(runtime: Runtime, device: str | None = None) -> str:
    """Return the device asked for; else the CPU for other runtimes, and the best for PyTorch.

    Raises:
        ConfigError: this machine has no such device.
    """
    return choose_device(device or (None if runtime == "torch" else "cpu"))


def check(runtime: Runtime, precision: Precision) -> None:
    """Refuse what cannot be.

    Raises:
        ConfigError: the runtime has no such precision.
        MissingToolError: its package is not installed.
    """
    if precision not in PRECISIONS[runtime]:
        known = "; ".join(f"{name}: {', '.join(kinds)}" for name, kinds in PRECISIONS.items())
        raise ConfigError(f"The runtime {runtime} has no precision {precision}; there are {known}.")
    package = PACKAGES.get(runtime)
    if package is not None and importlib.util.find_spec(package) is None:
        raise MissingToolError(f"The runtime {runtime} needs {package}: `pip install {package}`.")


def written(network: AllInOne, precision: Precision) -> Path:
    """Return the network as an ONNX file, written once for its very weights and kept."""
    file = cache_folder() / f"{digest(network)}.onnx"
    if not file.is_file():
        sys.stderr.write(f"note: writing the network for other runtimes, once: {file}\n")
        export_network(
            HeadMaps(network), example_inputs(network), file.with_suffix(""), "onnx",
            outputs=map_names(network), dynamic_batch=False,
        )  # fmt: skip
    if precision != "int8":
        return file
    small = file.with_suffix(".int8.onnx")
    if not small.is_file():
        quantization = importlib.import_module("onnxruntime.quantization")
        with atomic_path(small) as temporary, without_advice():
            quantization.quantize_dynamic(
                str(file), str(temporary), weight_type=quantization.QuantType.QInt8,
                op_types_to_quantize=["MatMul", "Gemm"],
            )  # fmt: skip
    return small


@contextlib.contextmanager
def without_advice() -> Iterator[None]:
    """Keep a library's advice, given through the root logger, out of the output."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def cache_folder() -> Path:
    """Return where written networks are kept: ``XDG_CACHE_HOME`` or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "holdfast/vl_track"


def digest(network: AllInOne) -> str:
    """Return what tells a network, its sizes and the exporter from all others."""
    found = hashlib.sha256(torch.__version__.encode())
    for module in (network, network.backbone, network.text, network.head):
        plain = {k: v for k, v in vars(module).items() if isinstance(v, PLAIN)}
        found.update(repr((type(module).__name__, sorted(plain.items()))).encode())
    for name, value in sorted(network.state_dict().items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:24]


def map_names(network: AllInOne) -> list[str]:
    """Return the names of the head's maps, in its order, and that of presence where it is."""
    names = list(inspect.signature(network.head.maps).parameters)
    return names if network.presence is None else [*names, "presence"]


def _open_onnx(file: Path, precision: Precision, threads: int) -> Run:
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    # A network without language has no use for a sentence, and its file no such input.
    known = [one.name for one in session.get_inputs()]
    return lambda given: session.run(None, {name: given[name] for name in known})


def _open_openvino(file: Path, precision: Precision, threads: int) -> Run:
    openvino = importlib.import_module("openvino")
    wanted = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = openvino.Core().compile_model(str(file), "CPU", wanted)
    known = [one.get_any_name() for one in model.inputs]

    def run(given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        found = model({name: given[name] for name in known})
        return [found[index] for index in range(len(model.outputs))]

    return run


_OPENERS: dict[str, Callable[[Path, Precision, int], Run]] = {
    "onnx": _open_onnx,
    "openvino": _open_openvino,
}
