"""Evaluation tables and logits made up for tests."""

from pathlib import Path
from typing import Any

import numpy as np

from dropout_ft.data.table import EvaluationTable
from dropout_ft.report.results import Result
from dropout_ft.results.coordinates import Coordinates
from dropout_ft.results.run import Run
from holdfast.runs.directory import RunDirectory


def make_table(count: int = 60, classes: int = 4, seed: int = 0) -> EvaluationTable:
    generator = np.random.default_rng(seed)
    return EvaluationTable(
        domain=np.sort(generator.integers(0, 3, count)),
        held_out=generator.random(count) < 0.5,
        label=generator.integers(0, classes, count),
        paths=tuple(Path(f"{i}.png") for i in range(count)),
        domain_names=("a", "b", "c"),
        test_domains=(1,),
        class_names=tuple("wxyz"[:classes]),
    )


def make_logits(table: EvaluationTable, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(table), 4)).astype(np.float32)


def make_coordinates(**changes: Any) -> Coordinates:
    """A run's place in an experiment, with everything that need not matter filled in."""
    values: dict[str, Any] = {
        "experiment": "x", "variant": "", "point": {}, "seed": 0, "steps": 100,
        "left_out": ("b",), "split_seed": 0, "holdout_fraction": 0.2, "objective": "ERM",
        "dropout_rate": 0.9, "head_lr_factor": 1.0, "backbone": "r", "weights": "none",
        "image_size": 32, "batch_size": 2, "source": "Source", "method": "m", "data": "d",
        "precision": "32-true", "compiled": False,
    }  # fmt: skip
    return Coordinates(**{**values, **changes})


def make_run(
    *, steps: tuple[int, ...] = (100, 200, 300), average: bool = True, **changes: Any
) -> Run:
    """A finished run whose second evaluation has the best i.i.d. accuracy."""
    table = make_table()
    where = make_coordinates(**changes)
    names = ("current", "average") if average else ("current",)
    logits = {
        step: {name: make_logits(table, step + where.seed) for name in names} for step in steps
    }
    rows: list[dict[str, Any]] = []
    for step, iid in zip(steps, (0.5, 0.8, 0.7), strict=False):
        scores = {"iid": iid, "ood": iid - 0.2, "ood_in": iid - 0.2, "ood_out": iid - 0.2}
        rows.append({"step": step, **dict.fromkeys(names, scores)})
    return Run(
        directory=RunDirectory(path=Path(f"run-{where.dropout_rate:g}-{where.seed}")),
        coordinates=where, table=table, logits=logits, rows=rows, seconds=12.0,
    )  # fmt: skip


def make_result(
    name: str, dropout_rate: float, ood: float, *, seed: int = 0, **changes: Any
) -> Result:
    """One result of the method of that name; ``label`` follows the variant."""
    own = {k: changes.pop(k) for k in ("iid", "step", "train_seconds", "networks") if k in changes}
    where = make_coordinates(dropout_rate=dropout_rate, seed=max(seed, 0), **changes)
    label = where.variant or ("" if where.objective == "ERM" else where.objective)
    values = {"iid": 0.9, "train_seconds": 60.0, **own}
    return Result(
        method=name, coordinates=where, seed=seed, label=label, ood=ood, ood_in=ood, ood_out=ood,
        runs=(f"run-{dropout_rate:g}-{seed}",), **values,
    )  # fmt: skip
