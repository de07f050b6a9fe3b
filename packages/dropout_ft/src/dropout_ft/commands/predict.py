"""``dropout-ft predict``: one CSV row for each picture of a folder."""

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.progress import track
from torch import Tensor

from dropout_ft.data.pictures import EXTENSIONS, read_rgb
from dropout_ft.data.transforms import eval_transform
from dropout_ft.loading import Weights, load_classifier
from dropout_ft.nn.classifier import Classifier
from holdfast.atomic import write_text
from holdfast.errors import DataError


def predict(
    folder: str,
    *,
    ckpt: str,
    out: str = "predictions.csv",
    all_classes: bool = False,
    image_size: int | None = None,
    batch_size: int = 64,
    weights: Weights = "default",
) -> None:
    """Classify every picture below a folder and write one CSV row for each.

    Args:
        folder: searched recursively; a single picture is allowed too.
        ckpt: checkpoint written by ``fit``.
        out: the CSV: path, class, probability.
        all_classes: add one probability column for each class.
        image_size: side in pixels; by default what the model was trained on.
        batch_size: pictures at a time.
        weights: ``current`` or ``average`` where the run kept both.
    """
    paths = list_pictures(Path(folder).expanduser())
    loaded = load_classifier(ckpt, weights=weights)
    classes = loaded.class_names
    size = image_size or loaded.image_size
    rows = []
    for batch, probabilities in classify(loaded.model, paths, size=size, batch_size=batch_size):
        for path, row in zip(batch, probabilities.tolist(), strict=True):
            best = max(range(len(classes)), key=row.__getitem__)
            extra = [f"{p:.6f}" for p in row] if all_classes else []
            rows.append([str(path), classes[best], f"{row[best]:.6f}", *extra])
    header = ["path", "class", "probability", *(classes if all_classes else [])]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    write_text(out, buffer.getvalue())
    sys.stdout.write(f"{len(rows)} pictures classified: {out}\n")


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures below a folder, sorted.

    Raises:
        DataError: the folder does not exist or holds none.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}: check the path.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS)
    if not found:
        raise DataError(f"{folder} holds no pictures ({', '.join(sorted(EXTENSIONS))}).")
    return found


@torch.inference_mode()
def classify(
    model: Classifier, paths: list[Path], *, size: int, batch_size: int
) -> Iterator[tuple[list[Path], Tensor]]:
    """Yield batches of paths with (B, C) float32 probabilities, on a GPU where there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device)
    transform = eval_transform(size, model.backbone.preprocessing.interpolation)
    starts = range(0, len(paths), batch_size)
    for start in track(starts, "classifying", disable=not sys.stdout.isatty()):
        batch = paths[start : start + batch_size]
        images = torch.stack([transform(read_rgb(path)) for path in batch]).to(device)
        yield batch, model(images).float().softmax(dim=1).cpu()
