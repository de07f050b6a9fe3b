"""What an exported file answers, and how far that is from PyTorch."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Inputs = Mapping[str, Tensor]


def run_onnx(path: str | Path, inputs: Inputs) -> list[np.ndarray]:
    """Return an ONNX file's outputs on the CPU."""
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {name: value.numpy() for name, value in inputs.items()}
    return [np.asarray(value) for value in session.run(None, feed)]


def run_program(path: str | Path, inputs: Inputs) -> list[np.ndarray]:
    """Return the outputs of a program that ``torch.export`` wrote."""
    return _arrays(torch.export.load(path).module()(*inputs.values()))


def run_package(path: str | Path, inputs: Inputs) -> list[np.ndarray]:
    """Return the outputs of a compiled AOTInductor package."""
    return _arrays(torch._inductor.aoti_load_package(str(path))(*inputs.values()))


def worst_difference(network: nn.Module, inputs: Inputs, answers: Sequence[np.ndarray]) -> float:
    """Return the greatest difference, relative to the greatest value of each output; nan counts."""
    with torch.no_grad():
        expected = _arrays(network(*inputs.values()))
    differences = [
        float(np.abs(ours - theirs).max()) / max(float(np.abs(ours).max()), 1e-6)
        for ours, theirs in zip(expected, answers, strict=True)
    ]
    return float(np.max(differences))


def _arrays(outputs: Any) -> list[np.ndarray]:  # noqa: ANN401  (a tensor or a sequence of them)
    found = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    return [value.detach().numpy() for value in found]
