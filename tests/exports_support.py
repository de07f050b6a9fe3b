"""Run directories to export, made without training."""

from dataclasses import replace
from pathlib import Path

from dropout_ft.results.run import Run
from dropout_ft.results.scores import score
from holdfast.runs.directory import RunDirectory
from tables_support import make_coordinates, make_logits
from tables_support import make_table as evaluation_table

STEPS = (300, 600, 900)


def finished_run(
    folder: Path,
    *,
    seed: int = 0,
    dropout_rate: float = 0.0,
    lr: float = 1e-3,
    test: int = 1,
    average: bool = True,
) -> Run:
    """A run directory with a record, and scores that belong to its logits."""
    name = f"run-{seed}-{dropout_rate}-{lr}-{test}"
    path = folder / name
    path.mkdir(parents=True)
    table = replace(evaluation_table(), test_domains=(test,))
    networks = ("current", "average") if average else ("current",)
    logits = {
        step: {kind: make_logits(table, hash((name, step, kind)) % 2**31) for kind in networks}
        for step in STEPS
    }
    rows = [
        {"step": step, **{kind: score(values, table) for kind, values in found.items()}}
        for step, found in logits.items()
    ]
    key = "model.optimizer.init_args.lr"
    where = make_coordinates(
        seed=seed, dropout_rate=dropout_rate, steps=900, batch_size=32, point={key: lr},
        left_out=("abc"[test],), recipe={key: lr},
    )  # fmt: skip
    return Run(
        directory=RunDirectory(path=path), coordinates=where, table=table, logits=logits,
        rows=rows, seconds=1.0,
    )  # fmt: skip
