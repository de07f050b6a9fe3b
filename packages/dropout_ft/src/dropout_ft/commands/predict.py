"""``dropout-ft predict``: one CSV row for each picture of a folder."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dropout_ft.commands.trusted import check_models, own_backbones
from dropout_ft.data.decoding import EXTENSIONS
from holdfast.atomic import write_text
from holdfast.csv_cells import plain_cell, plain_cells
from holdfast.errors import ConfigError, DataError, ImageError
from holdfast.outputs import check_files, keep_apart

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from dropout_ft.loading import LoadedClassifier

SHOWN = 10
"""Unreadable pictures that are named one by one."""


def predict(
    folder: str,
    *,
    ckpt: str,
    out: str = "predictions.csv",
    all_classes: bool = False,
    abstain: float | None = None,
    conformal: float | None = None,
    conformal_rule: Literal["LAC", "APS"] = "APS",
    image_size: int | None = None,
    batch_size: int = 64,
    weights: Literal["default", "average", "current"] = "default",
    exif_rotation: bool | None = None,
    overwrite: bool = False,
    backbone: str | None = None,
) -> None:
    """Classify every picture below a folder and write one CSV row for each.

    Pictures that cannot be read are named, and the others are answered; the exit status is then 1.

    Args:
        folder: searched recursively; a single picture is allowed too.
        ckpt: checkpoint written by ``fit``, or a folder written by ``export``.
        out: the CSV: path, class, probability.
        all_classes: add one probability column for each class.
        abstain: add a column ``unknown``, 1 where the best class's probability is below this value
            (0 to 1) and 0 elsewhere; the class stays in its column as the best guess.
        conformal: add a column ``set``, the classes, best first and separated by ``;``, that hold
            the true one with this probability (0 to 1) on pictures like the run's i.i.d.
            validation pictures; elsewhere nothing is promised. The checkpoint must lie in its run's
            folder, or be a folder that was exported from there.
        conformal_rule: ``APS``, or ``LAC`` for the smallest sets.
        image_size: side in pixels; by default what the model was trained on.
        batch_size: pictures at a time.
        weights: ``current`` or ``average`` where the run kept both.
        exif_rotation: turn pictures as their EXIF header says; by default as training did.
        overwrite: replace an existing CSV.
        backbone: ``module.Class`` of your own that the checkpoint names; it is imported.
    """
    check_numbers(batch_size, image_size, abstain, conformal)
    paths = list_images(Path(folder).expanduser())
    check_models(ckpt)
    keep_apart([out], [*paths, ckpt])
    check_files([out], overwrite=overwrite)
    from dropout_ft.loading import load_classifier

    loaded = load_classifier(ckpt, weights=weights, backbones=own_backbones(backbone))
    limit = None
    if conformal is not None:
        check_conformal(loaded, image_size, exif_rotation=exif_rotation)
        from dropout_ft.results.calibration import limit_of

        limit = limit_of(Path(ckpt).expanduser(), conformal, conformal_rule, weights)
        note_too_few(limit, conformal)
    classes, rows, bad = loaded.class_names, list[list[str]](), list[ImageError]()
    for batch, probabilities in classify(
        loaded, paths, bad, size=image_size, batch_size=batch_size, exif_rotation=exif_rotation
    ):
        for path, row in zip(batch, probabilities.tolist(), strict=True):
            best = max(range(len(classes)), key=row.__getitem__)
            extra = [] if abstain is None else [str(int(row[best] < abstain))]
            extra += [] if limit is None else [set_of(row, limit, conformal_rule, classes)]
            extra += [f"{p:.6f}" for p in row] if all_classes else []
            rows.append([*plain_cells([str(path), classes[best]]), f"{row[best]:.6f}", *extra])
    header = ["path", "class", "probability", *([] if abstain is None else ["unknown"])]
    header += [] if limit is None else ["set"]
    header += plain_cells(classes) if all_classes else []
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    write_text(out, buffer.getvalue())
    unknown = "" if abstain is None else f", {sum(row[3] == '1' for row in rows)} of them unknown"
    sys.stdout.write(f"{len(rows)} pictures classified{unknown}: {out}\n")
    for error in bad[:SHOWN]:
        sys.stderr.write(f"{error}\n")
    if bad:
        raise DataError(f"{len(bad)} of {len(paths)} pictures could not be read and have no row.")


def check_numbers(
    batch_size: int, image_size: int | None, abstain: float | None, conformal: float | None
) -> None:
    """Refuse options that are out of range.

    Raises:
        ConfigError: names the option.
    """
    if batch_size < 1:
        raise ConfigError(f"--batch_size is {batch_size}: give 1 or more.")
    if image_size is not None and image_size < 1:
        raise ConfigError(f"--image_size is {image_size}: give 1 or more.")
    if abstain is not None and not 0 <= abstain <= 1:
        raise ConfigError(f"--abstain is {abstain:g}: give a probability, from 0 to 1.")
    if conformal is not None and not 0 < conformal < 1:
        raise ConfigError(f"--conformal is {conformal:g}: give a coverage above 0 and below 1.")


def check_conformal(
    loaded: "LoadedClassifier", image_size: int | None, *, exif_rotation: bool | None
) -> None:
    """Refuse sets of pictures that are read otherwise than the run's, or that cannot be written.

    Raises:
        ConfigError: names the option, or the class.
    """
    if image_size not in {None, loaded.image_size}:
        raise ConfigError(
            f"--conformal promises nothing with --image_size {image_size}: the run's validation "
            f"pictures were answered at {loaded.image_size} pixels."
        )
    if exif_rotation not in {None, loaded.exif_rotation}:
        raise ConfigError(
            f"--conformal promises nothing with --exif_rotation {str(exif_rotation).lower()}: the "
            "run's validation pictures were read the other way."
        )
    unclear = [name for name in loaded.class_names if ";" in name]
    if unclear:
        raise ConfigError(
            f"--conformal separates the classes of a set by ';', which the class '{unclear[0]}' "
            "has in its name: rename it and train again."
        )


def note_too_few(limit: float, level: float) -> None:
    """Say on stderr that a run has too few validation pictures for a coverage."""
    if limit == float("inf"):
        sys.stderr.write(
            f"note: the run's i.i.d. validation pictures are too few for --conformal {level:g}: "
            "every set holds all classes.\n"
        )


def set_of(
    row: list[float], limit: float, rule: Literal["LAC", "APS"], classes: Sequence[str]
) -> str:
    """Return the classes of a conformal set, the most probable first, separated by ``;``."""
    import numpy as np

    from dropout_ft.results.conformal import members

    chosen = members(np.asarray([row]), limit, rule)[0]
    order = sorted(range(len(row)), key=lambda place: -row[place])
    return plain_cell(";".join(classes[place] for place in order if chosen[place]))


def list_images(folder: Path) -> list[Path]:
    """Return the pictures below a folder, sorted; hidden files are left out.

    Raises:
        DataError: the folder does not exist or holds none.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}: check the path.")
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and not path.is_dir()
    )
    if not found:
        raise DataError(f"{folder} holds no pictures ({', '.join(sorted(EXTENSIONS))}).")
    return found


def classify(
    loaded: "LoadedClassifier",
    paths: list[Path],
    bad: list[ImageError],
    *,
    size: int | None = None,
    batch_size: int = 64,
    exif_rotation: bool | None = None,
) -> Iterator[tuple[list[Path], "Tensor"]]:
    """Yield batches of paths with (B, C) float32 probabilities, on a GPU where there is one.

    Args:
        loaded: network, classes and size.
        paths: of the pictures.
        bad: filled with the errors of those that cannot be read; they are not in the batches.
        size: side in pixels; by default the model's.
        batch_size: pictures at a time.
        exif_rotation: turn pictures as their EXIF header says; by default as the model's training.

    Raises:
        CheckpointError: the network's answers are not finite.
    """
    import torch
    from rich.progress import track

    from dropout_ft.data.transforms import eval_transform
    from dropout_ft.loading import finite

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = loaded.model.to(device)
    interpolation = model.backbone.preprocessing.interpolation
    transform = eval_transform(size or loaded.image_size, interpolation)
    rotation = loaded.exif_rotation if exif_rotation is None else exif_rotation
    starts = range(0, len(paths), batch_size)
    for start in track(starts, "classifying", disable=not sys.stdout.isatty()):
        read = list(_readable(paths[start : start + batch_size], bad, exif_rotation=rotation))
        if not read:
            continue
        images = torch.stack([transform(image) for _, image in read]).to(device)
        with torch.inference_mode():
            probabilities = finite(model(images)).float().softmax(dim=1).cpu()
        yield [path for path, _ in read], probabilities


def _readable(
    paths: list[Path], bad: list[ImageError], *, exif_rotation: bool
) -> Iterator[tuple[Path, "Image"]]:
    from dropout_ft.data.decoding import read_rgb

    for path in paths:
        try:
            yield path, read_rgb(path, exif_rotation=exif_rotation)
        except ImageError as error:
            bad.append(error)
