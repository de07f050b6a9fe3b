"""Names of runtimes and precisions, without importing any."""

from typing import Literal

Runtime = Literal["torch", "onnx", "openvino"]
Precision = Literal["float32", "bfloat16", "int8"]
