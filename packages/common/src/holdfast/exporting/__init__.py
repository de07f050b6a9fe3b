"""Networks out of the notebook: ONNX, torch.export and AOTInductor, each checked as written."""

from holdfast.exporting.formats import (
    FORMATS,
    Format,
    check_tools,
    export_network,
    onnx_program,
    trace,
    written_line,
)

__all__ = [
    "FORMATS",
    "Format",
    "check_tools",
    "export_network",
    "onnx_program",
    "trace",
    "written_line",
]
