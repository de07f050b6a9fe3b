"""The threshold of a checkpoint's conformal sets, from what its run kept."""

from pathlib import Path
from typing import Literal

import numpy as np

from dropout_ft.results.conformal import Rule, fit
from dropout_ft.results.scores import iid_rows
from dropout_ft.results.store import logits_steps, read_logits, read_table
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import DataError
from holdfast.runs.directory import RunDirectory


def limit_of(
    ckpt: Path, level: float, rule: Rule, weights: Literal["default", "average", "current"]
) -> float:
    """Return the threshold on the i.i.d. validation pictures of a checkpoint's run.

    Args:
        ckpt: in the ``checkpoints`` folder of its run.
        level: wanted coverage, in (0, 1).
        rule: ``LAC`` or ``APS``.
        weights: those that answer; ``default`` are what the checkpoint's user gets.

    Raises:
        DataError: the checkpoint is not in its run's folder, or its step was not evaluated.
    """
    run = RunDirectory(path=ckpt.parent.parent)
    table_file = run.path / "table.json"
    if not ckpt.is_file() or not table_file.is_file():
        raise DataError(
            f"--conformal needs the i.i.d. validation answers of the run, and {ckpt} does not lie "
            "in one: give a checkpoint in the folder where `dropout-ft fit` wrote it."
        )
    found = read_checkpoint(ckpt)
    step = int(found.get("global_step", -1))
    if step not in logits_steps(run.logits):
        raise DataError(
            f"{ckpt} is of step {step}, at which the run evaluated nothing: give another of its "
            "checkpoints, such as best.ckpt."
        )
    logits = read_logits(run.logits, step)
    averaged = weights == "average" or (weights == "default" and "current_model_state" in found)
    name = "average" if averaged and "average" in logits else "current"
    table = read_table(table_file)
    rows = iid_rows(table) & np.isfinite(logits[name]).all(axis=1)
    if not rows.any():
        raise DataError(f"The run of {ckpt} kept no i.i.d. validation answers: train it again.")
    return fit(logits[name][rows], table.label[rows], level, rule)
