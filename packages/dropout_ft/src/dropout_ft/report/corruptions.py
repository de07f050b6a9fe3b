"""Accuracy of finished runs on corrupted pictures, by kind and severity."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table

from dropout_ft.data.corruptions import Kind, corrupt
from dropout_ft.data.decoding import read_picture
from dropout_ft.data.partition import spread
from dropout_ft.data.transforms import Transform, apply_seeded, eval_transform
from dropout_ft.loading import LoadedClassifier, finite, load_classifier
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.report.names import run_name
from dropout_ft.report.table import standard_error
from dropout_ft.results.coordinates import labels
from dropout_ft.results.csv_text import csv_of
from dropout_ft.results.run import Run
from dropout_ft.results.scores import iid_rows
from holdfast.console import say
from holdfast.seeding import fold_seed

CLEAN = "none"
PARTS = ("i.i.d.", "o.o.d.")
BATCH = 64
Key = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class CorruptionRow:
    """One line: a method under one corruption; accuracies in percent.

    Attributes:
        name: method and rate.
        part: ``i.i.d.`` or ``o.o.d.``.
        kind: of corruption; ``none`` for the pictures as they are.
        severity: 1 to 5; 0 for the pictures as they are.
        accuracy: mean over runs; of each run the mean over domains.
        error: standard error over runs; nan for one.
        count: runs.
    """

    name: str
    part: str
    kind: str
    severity: int
    accuracy: float
    error: float
    count: int


def corruption_rows(
    runs: Sequence[Run], kinds: Mapping[str, Kind], severities: Sequence[int], images: int
) -> list[CorruptionRow]:
    """Evaluate runs; those that may share a mean are averaged.

    Args:
        runs: finished ones, whose data are there.
        kinds: of corruption, by name.
        severities: 1 to 5.
        images: at most so many of each part of each domain; 0 takes all.
    """
    keys = [(CLEAN, 0), *((kind, severity) for kind in kinds for severity in severities)]
    names = names_of(runs)
    found: dict[tuple[object, ...], list[dict[tuple[str, Key], float]]] = {}
    for number, run in enumerate(runs, 1):
        say(f"run {number} of {len(runs)}: {run.directory.path.name}")
        found.setdefault(run.coordinates.group, []).append(_accuracies(run, keys, kinds, images))
    rows = []
    for group, measured in found.items():
        name = names[group]
        for part in PARTS:
            for key in keys:
                values = [100 * one[part, key] for one in measured]
                rows.append(
                    CorruptionRow(
                        name=name,
                        part=part,
                        kind=key[0],
                        severity=key[1],
                        accuracy=float(np.mean(values)),
                        error=standard_error(values),
                        count=len(values),
                    )
                )
    return rows


def names_of(runs: Sequence[Run]) -> dict[tuple[object, ...], str]:
    """Return the name of each group of runs that may share a mean."""
    groups = {run.coordinates.group: run.coordinates for run in runs}
    label = labels(list(groups.values()))
    return {group: run_name(where, label[group]) for group, where in groups.items()}


def corruption_csv(rows: Sequence[CorruptionRow]) -> str:
    """Return the rows with full precision."""
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    return csv_of(pd.DataFrame(map(asdict, rows), columns=list(CorruptionRow.__dataclass_fields__)))


def corruption_table(rows: Sequence[CorruptionRow]) -> Table:
    """Return a table for a terminal: means over severities, a column for each kind."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    table = Table(title="Accuracy under corruptions, mean over severities, %")
    for name in ("method", "part", *kinds, "mean of kinds"):
        table.add_column(name.replace("_", " "), justify="left" if name == "method" else "right")
    for name, part in dict.fromkeys((row.name, row.part) for row in rows):
        own = [row for row in rows if (row.name, row.part) == (name, part)]
        means = [float(np.mean([r.accuracy for r in own if r.kind == kind])) for kind in kinds]
        table.add_row(name, part, *(f"{m:.1f}" for m in [*means, float(np.mean(means[1:]))]))
    return table


def _accuracies(
    run: Run, keys: Sequence[Key], kinds: Mapping[str, Kind], images: int
) -> dict[tuple[str, Key], float]:
    """Return the accuracy of a run on each part under each corruption, in [0, 1]."""
    # The data are those that the run was trained on: Reevaluation compares the fingerprints.
    data = Reevaluation(run).data
    file = run.directory.best if run.directory.best.is_file() else run.directory.last
    loaded = load_classifier(file, weights="current", backbones=run.trusted.backbones)
    size, interpolation = loaded.image_size, loaded.model.backbone.preprocessing.interpolation
    plain = eval_transform(size, interpolation, data.evaluation)
    rows = {"i.i.d.": iid_rows(run.table), "o.o.d.": run.table.of_test}
    values: dict[tuple[str, Key], float] = {}
    hits = {
        part: _hits(run, loaded, plain, chosen, keys, kinds, images)
        for part, chosen in rows.items()
    }
    for part, by_domain in hits.items():
        for place, key in enumerate(keys):
            values[part, key] = float(np.mean([one[place] for one in by_domain]))
    return values


def _hits(
    run: Run, loaded: LoadedClassifier, plain: Transform, chosen: NDArray[np.bool_],
    keys: Sequence[Key], kinds: Mapping[str, Kind], images: int,
) -> list[NDArray[np.float64]]:  # fmt: skip
    """Return the accuracies (K,) of each domain of a part."""
    found = []
    for domain in np.unique(run.table.domain[chosen]):
        rows = spread(np.flatnonzero(chosen & (run.table.domain == domain)), images)
        right = np.zeros(len(keys))
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            right += list(_right(run, loaded, plain, some, keys, kinds))
        found.append(right / len(rows))
    return found


@torch.inference_mode()
def _right(
    run: Run, loaded: LoadedClassifier, plain: Transform, rows: NDArray[np.int64],
    keys: Sequence[Key], kinds: Mapping[str, Kind],
) -> Iterator[int]:  # fmt: skip
    """Yield, for each corruption, how many of some rows are answered rightly."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = loaded.model.to(device)
    rotation = loaded.exif_rotation
    pictures = [
        apply_seeded(plain, read_picture(run.table.paths[row], exif_rotation=rotation), 0)
        .permute(1, 2, 0).numpy()
        for row in rows
    ]  # fmt: skip
    label = torch.from_numpy(run.table.label[rows]).to(device)
    for kind, severity in keys:
        changed = pictures if kind == CLEAN else [
            # Named by its place among the run's rows, which are the same for every rate and seed.
            corrupt(image, kind, severity, fold_seed("corruption", kind, severity, int(row)),
                    kinds=kinds)
            for image, row in zip(pictures, rows, strict=True)
        ]  # fmt: skip
        inputs = torch.from_numpy(np.stack(changed)).permute(0, 3, 1, 2).to(device)
        yield int((finite(model(inputs)).argmax(1) == label).sum())
