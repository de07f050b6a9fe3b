"""``dropout-ft export``: a folder that timm loads by itself, and files for other runtimes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dropout_ft.commands.trusted import check_models, own_backbones
from holdfast.errors import ConfigError
from holdfast.outputs import check_files, keep_apart

if TYPE_CHECKING:
    from dropout_ft.loading import LoadedClassifier

Format = Literal["onnx", "pt2", "aoti"]
TIMM_FILES = ("model.safetensors", "config.json", "calibration.json")


def export(
    *,
    ckpt: str,
    out: str,
    weights: Literal["default", "average", "current"] = "default",
    formats: list[Format] = [],  # noqa: B006
    dynamic_batch: bool = True,
    overwrite: bool = False,
    backbone: str | None = None,
) -> None:
    """Write ``model.safetensors`` and ``config.json`` for ``timm.create_model("local-dir:OUT")``.

    Dropout is inactive at test and a standardised head folds into one linear layer, so the result
    is an ordinary timm classifier with the same outputs. ``calibration.json`` beside them keeps
    what ``predict --conformal`` needs, where the checkpoint lies in its run's folder.

    Args:
        ckpt: checkpoint written by ``fit``.
        out: the folder to write.
        weights: ``current`` or ``average`` where the run kept both.
        formats: also write ``onnx``, ``pt2`` (torch.export) or ``aoti`` (AOTInductor), from uint8
            RGB pictures (B, 3, S, S) to logits, each only if its answers are PyTorch's.
        dynamic_batch: let those formats take any number of pictures at once.
        overwrite: replace the files of an earlier export.
        backbone: ``module.Class`` of your own that the checkpoint names; it is imported.
    """
    check_models(ckpt)
    keep_apart([out], [ckpt])
    from holdfast.exporting import FORMATS  # torch comes with it

    folder = Path(out).expanduser()
    names = [*TIMM_FILES, *(f"model{FORMATS[name]}" for name in formats)]
    check_files([folder / name for name in names], [ckpt], overwrite=overwrite)
    from dropout_ft.export_timm import write_timm_folder
    from dropout_ft.loading import load_classifier
    from dropout_ft.nn.backbones import TimmBackbone
    from holdfast.exporting import check_tools

    check_tools(formats)
    loaded = load_classifier(ckpt, weights=weights, backbones=own_backbones(backbone))
    is_timm = isinstance(loaded.model.backbone, TimmBackbone)
    if not is_timm and not formats:
        raise ConfigError(
            "Only timm backbones can be exported for timm: this one is another kind. Give "
            "--formats onnx for other runtimes."
        )
    if is_timm:
        write_timm_folder(loaded, out)
        note_calibration(folder, Path(ckpt).expanduser(), weights)
        sys.stdout.write(f"Exported: timm.create_model('local-dir:{out}', pretrained=True)\n")
    write_formats(loaded, out, formats, dynamic_batch=dynamic_batch)


def note_calibration(
    folder: Path, ckpt: Path, weights: Literal["default", "average", "current"]
) -> bool:
    """Keep the calibration beside an exported model, or say why there is none.

    Returns:
        Whether there is one.
    """
    from dropout_ft.results.calibration import write_calibration

    reason = write_calibration(folder, ckpt, weights)
    if reason:
        sys.stderr.write(f"note: the exported folder will not answer --conformal. {reason}\n")
    return not reason


def write_formats(
    loaded: "LoadedClassifier",
    out: str | Path,
    formats: list[Format],
    *,
    dynamic_batch: bool = True,
) -> list[Path]:
    """Write ``model.onnx`` and the like into a folder; print each file's size and difference."""
    import torch

    from holdfast.exporting import export_network, written_line

    size = loaded.image_size
    generator = torch.Generator().manual_seed(0)
    shape = (1, 3, size, size)
    example = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    paths = []
    for export_format in formats:
        path, difference = export_network(
            loaded.model,
            {"image": example},
            Path(out).expanduser() / "model",
            export_format,
            outputs=["logits"],
            dynamic_batch=dynamic_batch,
        )
        sys.stdout.write(written_line(path, difference))
        paths.append(path)
    return paths
