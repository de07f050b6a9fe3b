"""One JSON line for each evaluation, consistent with the checkpoint a run resumes from."""

import json
from pathlib import Path
from typing import Any

from holdfast.atomic import write_text
from holdfast.errors import DataError


def read_results(path: str | Path) -> list[dict[str, Any]]:
    """Read the rows of ``results.jsonl`` in order; an absent file has none.

    Raises:
        DataError: a line is not a JSON object with a whole number ``step``.
    """
    path = Path(path)
    if not path.is_file():
        return []
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{path}, line {number}, is not JSON ({error}): delete the line or the run."
            ) from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}, is not a JSON object: delete the run.")
        step = row.get("step")
        if not isinstance(step, int) or isinstance(step, bool) or step < 0:
            raise DataError(
                f"{path}, line {number}, is no evaluation: its step is {str(step)[:40]!r}, no "
                "whole number. Delete the line or the run."
            )
        rows.append(row)
    return rows


def record_result(path: str | Path, row: dict[str, Any]) -> None:
    """Add the row of step ``row["step"]``, dropping rows of the same or later steps.

    Later rows exist when a run was killed between an evaluation and its checkpoint; the resumed run
    evaluates that step again. The file is rewritten whole, so a kill never leaves half a line.
    """
    earlier = [old for old in read_results(path) if old["step"] < row["step"]]
    lines = [json.dumps(old, sort_keys=True) + "\n" for old in [*earlier, row]]
    write_text(path, "".join(lines))
