"""One network in any of three formats, written only where its answers are PyTorch's."""

import importlib
import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from holdfast.atomic import write_bytes
from holdfast.errors import CheckpointError, ConfigError, MissingToolError
from holdfast.exporting.answers import run_onnx, run_package, run_program, worst_difference

Format = Literal["onnx", "pt2", "aoti"]
FORMATS: dict[Format, str] = {"onnx": ".onnx", "pt2": ".pt2", "aoti": ".aoti.pt2"}
"""ONNX for any runtime, ``torch.export`` for PyTorch, AOTInductor for this kind of machine."""
TOLERANCE = 1e-3
_PACKAGES: dict[Format, tuple[str, ...]] = {"onnx": ("onnx", "onnxscript", "onnxruntime")}
_RUNNERS = {"onnx": run_onnx, "pt2": run_program, "aoti": run_package}


def check_tools(formats: Sequence[Format]) -> None:
    """Say before long work what the formats need.

    Raises:
        ConfigError: there is no such format.
        MissingToolError: a package or a compiler is not installed.
    """
    unknown = [export_format for export_format in formats if export_format not in FORMATS]
    if unknown:
        raise ConfigError(f"There is no format {unknown[0]}: choose from {', '.join(FORMATS)}.")
    needed = [name for one in formats for name in _PACKAGES.get(one, ())]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingToolError(
            f"Exporting to ONNX needs {', '.join(missing)}: `pip install {' '.join(missing)}`."
        )
    if "aoti" in formats and shutil.which("g++") is None:
        raise MissingToolError(
            "Exporting to aoti compiles the network and needs a C++ compiler: install g++."
        )


def export_network(
    network: nn.Module,
    inputs: Mapping[str, Tensor],
    stem: str | Path,
    export_format: Format,
    *,
    outputs: Sequence[str],
    dynamic_batch: bool = True,
    tolerance: float = TOLERANCE,
) -> tuple[Path, float]:
    """Write a network as one file and check it against PyTorch.

    Args:
        network: takes the inputs by position; returns a tensor or a tuple of tensors.
        inputs: CPU examples, by the names they get in the file; the first axis is the batch.
        stem: the file to write, without its ending; it appears only after the check.
        export_format: of :data:`FORMATS`.
        outputs: names of what the network returns.
        dynamic_batch: let the file take any batch size, and check it on another one.
        tolerance: greatest difference allowed, relative to the greatest value of an output.

    Returns:
        The file, and the greatest relative difference found.

    Raises:
        MissingToolError: a package is not installed.
        CheckpointError: the answers differ.
    """
    check_tools([export_format])
    network = network.eval()
    target = Path(f"{stem}{FORMATS[export_format]}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"network{FORMATS[export_format]}"
        program = trace(network, inputs, dynamic_batch=dynamic_batch)
        _WRITERS[export_format](program, file, list(inputs), outputs)
        trials = [dict(inputs)]
        if dynamic_batch:
            trials.append({name: twice(value) for name, value in inputs.items()})
        worst = max(
            worst_difference(network, one, _RUNNERS[export_format](file, one)) for one in trials
        )
        if not worst <= tolerance:
            raise CheckpointError(
                f"{target} was not written: its answers differ from PyTorch's by {worst:.2g} of "
                f"the greatest value, and {tolerance:g} is allowed."
            )
        write_bytes(target, file.read_bytes())
    return target, worst


def written_line(path: Path, difference: float) -> str:
    """Return what is said of a file that was written."""
    megabytes = path.stat().st_size / 1e6
    return f"{path}: {megabytes:.1f} MB, differs by at most {difference:.1e}\n"


def trace(
    network: nn.Module, inputs: Mapping[str, Tensor], *, dynamic_batch: bool
) -> torch.export.ExportedProgram:
    """Trace a network; where it cannot do without a fixed batch, torch says so."""
    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad():
        return torch.export.export(
            network,
            tuple(twice(value) if dynamic_batch else value for value in inputs.values()),
            dynamic_shapes=tuple({0: batch} for _ in inputs) if dynamic_batch else None,
        )


def twice(value: Tensor) -> Tensor:
    """Return a batch twice as large whose second half differs from the first."""
    return torch.cat([value, value.flip(-1)])


def _sort_stable() -> Callable[..., Any]:
    """Return ONNX for a stable sort, which torch lacks: TopK of everything keeps ties' order."""
    op = importlib.import_module("onnxscript").opset18

    def sort(self: Any, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:  # noqa: ANN401
        count = op.Gather(op.Shape(self), op.Constant(value_ints=[dim]))
        return op.TopK(self, count, axis=dim, largest=int(descending), sorted=1)

    return sort


def onnx_program(
    program: torch.export.ExportedProgram,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    fold: bool = False,
) -> Any:  # noqa: ANN401  (torch.onnx.ONNXProgram, whose ``model_proto`` is onnx's)
    """Return a traced network as ONNX in memory.

    Args:
        program: from :func:`trace`.
        inputs: names in the graph.
        outputs: likewise.
        fold: compute what is constant, transposed weights for example; without it every weight
            stays as it is, under its own name.
    """
    return torch.onnx.export(
        program,
        (),
        None,
        input_names=list(inputs),
        output_names=list(outputs),
        dynamo=True,
        optimize=fold,
        custom_translation_table={torch.ops.aten.sort.stable: _sort_stable()},
        verbose=False,
    )


def _write_onnx(
    program: torch.export.ExportedProgram, file: Path, inputs: list[str], outputs: Sequence[str]
) -> None:
    onnx_program(program, inputs, outputs, fold=True).save(file, external_data=False)


def _write_program(
    program: torch.export.ExportedProgram, file: Path, inputs: list[str], outputs: Sequence[str]
) -> None:
    torch.export.save(program, file)


def _write_package(
    program: torch.export.ExportedProgram, file: Path, inputs: list[str], outputs: Sequence[str]
) -> None:
    torch._inductor.aoti_compile_and_package(program, package_path=str(file))


_WRITERS: dict[
    Format, Callable[[torch.export.ExportedProgram, Path, list[str], Sequence[str]], None]
] = {"onnx": _write_onnx, "pt2": _write_program, "aoti": _write_package}
