"""Example pictures with the answers of ERM and of large dropout, drawn at random."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_ft.data.decoding import read_rgb
from dropout_ft.report.names import run_name
from dropout_ft.report.results import Collection
from dropout_ft.results.run import Run
from dropout_ft.results.selection import select_iid
from holdfast.errors import ImageError

SIDE = 88


@dataclass(frozen=True, kw_only=True)
class Example:
    """One test picture.

    Attributes:
        png: the picture.
        truth: its class.
        answers: (method, class, right) of each compared run.
    """

    png: bytes
    truth: str
    answers: tuple[tuple[str, str, bool], ...]


def examples(collection: Collection, *, count: int = 12, seed: int = 0) -> list[Example]:
    """Return random test images of the first test domain; none is chosen by its answers.

    Args:
        collection: the first run of each rate on the same test domain, seed and budget is compared.
        count: images.
        seed: of the draw.
    """
    runs = collection.runs
    first = runs[0]
    compared = {r.coordinates.dropout_rate: r for r in reversed(runs) if _comparable(r, first)}
    ordered = [compared[dropout_rate] for dropout_rate in sorted(compared)]
    tests = np.flatnonzero(np.isin(first.table.domain, first.table.test_domains))
    chosen = np.random.default_rng(seed).permutation(tests)[:count]
    logits = [_selected_logits(run) for run in ordered]
    names = [run_name(run.coordinates, collection.label_of(run)) for run in ordered]
    return [_example(int(row), ordered, names, logits) for row in chosen]


def _comparable(run: Run, first: Run) -> bool:
    one, other = run.coordinates, first.coordinates
    alike = ("test_case", "seed", "budget", "variant", "objective")
    return all(getattr(one, name) == getattr(other, name) for name in alike)


def _selected_logits(run: Run) -> np.ndarray:
    rows = [row for row in run.along("current") if "ood" in row]
    return run.logits[int(select_iid(rows)["step"])]["current"]


def _example(
    row: int, runs: Sequence[Run], names: Sequence[str], logits: Sequence[np.ndarray]
) -> Example:
    table = runs[0].table
    truth = int(table.label[row])
    answers = []
    for name, values in zip(names, logits, strict=True):
        answer = int(values[row].argmax())
        answers.append((name, table.class_names[answer], answer == truth))
    return Example(
        png=_thumbnail(runs[0], row), truth=table.class_names[truth], answers=tuple(answers)
    )


def _thumbnail(run: Run, row: int) -> bytes:
    try:
        rotation = bool(run.coordinates.recipe.get("data.exif_rotation"))
        image = read_rgb(run.table.paths[row], exif_rotation=rotation)
    except ImageError:
        return b""  # the runs may be reported where the data is not
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
