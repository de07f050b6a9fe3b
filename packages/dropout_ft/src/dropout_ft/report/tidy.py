"""One tidy table of everything: a row for each run, method, weights, domain, part and step."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_ft.data.table import EvaluationTable
from dropout_ft.methods.base import Scores
from dropout_ft.report.results import Collection, Result
from dropout_ft.results.csv_text import csv_of
from holdfast.atomic import write_bytes, write_text

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = {"run": "current", "trajectory average": "average", "EMA": "average"}
COLUMNS = {
    "run": "str", "experiment": "str", "method": "str", "label": "str", "weights": "str",
    "dropout_rate": "float64", "seed": "int64", "split_seed": "int64", "left_out": "str",
    "domain": "str", "part": "str", "step": "int64", "selected": "bool", "accuracy": "float64",
    "images": "int64", "objective": "str", "backbone": "str", "pretrained": "str",
    "image_size": "int64", "steps": "int64", "point": "str", "recipe": "str", "data": "str",
    "train_images": "int64", "budget": "str",
}  # fmt: skip
"""Name and type of each column; ``accuracy`` is in [0, 1], ``budget`` a digest of all that must be
equal for two methods to be compared like for like."""


def tidy(collection: Collection) -> "pd.DataFrame":
    """Return the table; methods over several runs have seed -1 and their runs joined by ``+``."""
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    tables = {str(run.directory.path): run.table for run in collection.runs}
    names = _names(tables)
    rows = [
        row | {"run": "+".join(names[path] for path in result.runs)}
        for result in collection.results
        for row in _rows(result, tables[result.runs[0]])
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(COLUMNS)


def write_tidy(collection: Collection, folder: Path) -> list[Path]:
    """Write ``tidy.csv`` and ``tidy.parquet``; returns their paths."""
    frame = tidy(collection)
    csv, parquet = folder / "tidy.csv", folder / "tidy.parquet"
    write_text(csv, csv_of(frame))
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    write_bytes(parquet, buffer.getvalue())
    return [csv, parquet]


def _names(paths: Iterable[str]) -> dict[str, str]:
    """Return the folder's name of each path, or the path where two would have the same name."""
    often = Counter(Path(path).name for path in paths)
    return {path: path if often[Path(path).name] > 1 else Path(path).name for path in paths}


def _rows(result: Result, table: EvaluationTable) -> Iterator[dict[str, Any]]:
    shared = _shared(result)
    for scores in result.rows:
        step = int(scores.get("step", -1))
        for domain, part, accuracy, images in _cells(scores, table):
            yield {
                **shared,
                "domain": domain,
                "part": part,
                "step": step,
                "selected": step == result.step,
                "accuracy": accuracy,
                "images": images,
            }


def _shared(result: Result) -> dict[str, Any]:
    where = result.coordinates
    return {
        "experiment": where.experiment,
        "method": result.method,
        "label": result.label,
        "weights": WEIGHTS.get(result.method, "combined"),
        "dropout_rate": where.dropout_rate,
        "seed": result.seed,
        "split_seed": where.split_seed,
        "left_out": where.test_name,
        "objective": where.objective,
        "backbone": where.backbone,
        "pretrained": where.weights,
        "image_size": where.image_size,
        "steps": where.steps,
        "point": json.dumps(where.point, sort_keys=True) if result.seed >= 0 else "",
        "recipe": where.method,
        "data": where.data,
        "train_images": where.train_images,
        "budget": hashlib.sha256(repr(where.budget).encode()).hexdigest()[:10],
    }


def _cells(scores: Scores, table: EvaluationTable) -> Iterator[tuple[str, str, float, int]]:
    """Yield domain, part, accuracy and number of images of each accuracy that was measured."""
    for position, name in enumerate(table.domain_names):
        of_domain = table.domain == position
        test = position in table.test_domains
        for word, held_out in (("in", False), ("out", True)):
            key = f"env{position}_{word}_acc"
            if key in scores:
                images = int(np.count_nonzero(of_domain & (table.held_out == held_out)))
                yield name, f"{'test' if test else 'train'}_{word}", scores[key], images


def summary(collection: Collection, columns: Sequence[str]) -> "pd.DataFrame":
    """Return the mean accuracy of the selected steps by some columns of the table."""
    frame = tidy(collection)
    chosen: pd.DataFrame = (
        frame[frame["selected"]].groupby(list(columns))["accuracy"].mean().reset_index()
    )
    return chosen
