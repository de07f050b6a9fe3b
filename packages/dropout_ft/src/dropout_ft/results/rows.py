"""The evaluations and the times of a run as its files have them, checked before they are used."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from holdfast.errors import DataError
from holdfast.runs.results import read_results

CURRENT = "current"


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """Return the evaluations of ``results.jsonl``, in the order of steps.

    Returns:
        Rows of ``step`` and, for each set of weights, its scores by name; ``current`` is always
        there and has ``iid``.

    Raises:
        DataError: names the file and the line that is no such evaluation.
    """
    rows = read_results(path)
    for number, row in enumerate(rows, start=1):
        current = row.get(CURRENT)
        if not isinstance(current, dict) or not _is_number(current.get("iid")):
            raise _refused(path, number, "it has no i.i.d. accuracy of the current weights")
        for name, found in row.items():
            if isinstance(found, dict) and not all(map(_is_number, found.values())):
                raise _refused(path, number, f"a score of '{name}' is no number")
        before = rows[number - 2]["step"] if number > 1 else -1
        if row["step"] <= before:
            raise _refused(path, number, f"its step {row['step']} follows step {before}")
    if rows and not any(math.isfinite(row[CURRENT]["iid"]) for row in rows):
        raise DataError(f"{path} has no finite i.i.d. accuracy: the training diverged.")
    return rows


def current_rows(path: str | Path) -> list[dict[str, Any]]:
    """Return ``step`` and the scores of the current weights, of each evaluation.

    Raises:
        DataError: as :func:`read_rows`.
    """
    return [{"step": row["step"], **row[CURRENT]} for row in read_rows(path)]


def training_seconds(record: Mapping[str, Any], path: str | Path) -> float:
    """Return the wall time of all launches that a record lists, in seconds.

    Raises:
        DataError: a launch's time is no number.
    """
    total = 0.0
    for number, launch in enumerate(record["launches"], start=1):
        seconds = launch.get("wall_seconds", 0)
        if not _is_number(seconds) or not 0 <= seconds < float("inf"):
            raise DataError(
                f"{path}: the wall_seconds of launch {number} are {str(seconds)[:40]!r}, no number "
                "of seconds: correct the record, or train the run again."
            )
        total += float(seconds)
    return total


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(path: str | Path, number: int, reason: str) -> DataError:
    return DataError(
        f"{path}, line {number}, is no evaluation of a run: {reason}. Delete the line or the run."
    )
