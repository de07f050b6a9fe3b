"""The threshold of a model's conformal sets, from what its run or its exported folder keeps."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dropout_ft.results.conformal import RULES, Rule, threshold, true_class_scores
from dropout_ft.results.scores import iid_rows
from dropout_ft.results.store import logits_steps, read_logits, read_table
from holdfast.atomic import write_text
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import CheckpointError, DataError
from holdfast.runs.directory import RunDirectory

FILE = "calibration.json"
CALIBRATED = ("model.safetensors", "config.json")
"""What an exported folder's answers come from: their digests tell whether it was changed since."""
LARGEST = 100_000_000
"""Bytes of a calibration in a stranger's folder."""
Weights = Literal["default", "average", "current"]
Scores = Mapping[Rule, Sequence[float]]
"""By rule, how little the true class of each i.i.d. validation picture conforms; in [0, 1]."""


def limit_of(model: Path, level: float, rule: Rule, weights: Weights) -> float:
    """Return the threshold on the i.i.d. validation pictures of a model's run.

    Args:
        model: a checkpoint in the ``checkpoints`` folder of its run, or an exported folder.
        level: wanted coverage, in (0, 1).
        rule: ``LAC`` or ``APS``.
        weights: those that answer; ``default`` are what the checkpoint's user gets.

    Raises:
        DataError: the checkpoint is not in its run's folder, or its step was not evaluated; the
            exported folder has no calibration.
        CheckpointError: the calibration is damaged, or the folder was changed since.
    """
    scores = read_calibration(model) if model.is_dir() else scores_of_run(model, weights)
    return threshold(np.asarray(scores[rule]), level)


def scores_of_run(ckpt: Path, weights: Weights) -> Scores:
    """Return the scores of a checkpoint's i.i.d. validation pictures, smallest first.

    Raises:
        DataError: the checkpoint is not in its run's folder, or its step was not evaluated.
    """
    run = RunDirectory(path=ckpt.parent.parent)
    table_file = run.path / "table.json"
    if not ckpt.is_file() or not table_file.is_file():
        raise DataError(
            f"--conformal needs the i.i.d. validation answers of the run, and {ckpt} does not lie "
            "in one: give a checkpoint in the folder where `dropout-ft fit` wrote it, or a folder "
            "that `dropout-ft export` made of such a one."
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
    return {
        rule: np.sort(true_class_scores(logits[name][rows], table.label[rows], rule)).tolist()
        for rule in RULES
    }


def write_calibration(folder: Path, ckpt: Path, weights: Weights) -> str:
    """Keep a checkpoint's calibration in the folder that it was exported into.

    An earlier one is removed where the checkpoint has none.

    Args:
        folder: with ``model.safetensors`` and ``config.json``.
        ckpt: the checkpoint, or another exported folder.
        weights: those that were exported.

    Returns:
        Why there is no calibration; empty where there is one.
    """
    file = folder / FILE
    file.unlink(missing_ok=True)
    try:
        scores = read_calibration(ckpt) if ckpt.is_dir() else scores_of_run(ckpt, weights)
    except (DataError, CheckpointError) as error:
        return str(error)
    record = {"digests": {name: _digest(folder / name) for name in CALIBRATED}, "scores": scores}
    write_text(file, json.dumps(record) + "\n")
    return ""


def read_calibration(folder: Path) -> Scores:
    """Read the calibration of an exported folder.

    Raises:
        DataError: it has none.
        CheckpointError: it is damaged, or of another model.
    """
    file = folder / FILE
    if not file.is_file():
        raise DataError(
            f"{folder} has no {FILE}: export it again from a checkpoint in its run's folder."
        )
    try:
        with file.open("rb") as opened:
            record: Any = json.loads(opened.read(LARGEST))  # a longer one is cut, and no JSON
        digests, scores = dict(record["digests"]), dict(record["scores"])
        found: Scores = {rule: _numbers(scores[rule]) for rule in RULES}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{file} is damaged ({error}): export the model again.") from error
    for name in CALIBRATED:
        if not (folder / name).is_file() or digests.get(name) != _digest(folder / name):
            raise CheckpointError(
                f"{file} belongs to another {name} than that in {folder}: its sets would promise "
                "nothing. Export the model again."
            )
    return found


def _numbers(values: Any) -> list[float]:  # noqa: ANN401  (whatever the file holds)
    if not isinstance(values, list) or not values:
        raise ValueError("its scores are no list")
    for value in values:
        if not isinstance(value, float | int) or not math.isfinite(value) or not -1e-6 <= value < 2:
            raise ValueError("a score is no number from 0 to 1")
    return [float(value) for value in values]


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
