"""Names of runtimes and precisions, without importing any."""

from typing import Literal

Runtime = Literal["auto", "torch", "onnx", "openvino"]
Precision = Literal["auto", "float32", "bfloat16"]

PACKAGES: dict[Runtime, str] = {"openvino": "openvino", "onnx": "onnxruntime"}
"""The fastest first, as measured in docs/performance.md."""
PRECISIONS: dict[Runtime, tuple[Precision, ...]] = {
    "auto": ("float32", "bfloat16"),
    "torch": ("float32",),
    "onnx": ("float32",),
    "openvino": ("float32", "bfloat16"),
}
