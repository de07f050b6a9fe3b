"""Scores that cost an evaluation, kept beside the run they start from."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from dropout_ft.report.collect import Run
from holdfast.atomic import write_text

Scores = dict[str, float]


def kept_scores(
    path: Path, group: Sequence[Run], compute: Callable[[], Scores | None]
) -> Scores | None:
    """Return the scores kept for these very runs, computing and keeping them if there are none.

    Args:
        path: of the JSON file.
        group: the runs they are made from.
        compute: makes them; None, where the runs lack what it needs, is not kept.
    """
    names = sorted(run.directory.path.name for run in group)
    if path.is_file():
        found = json.loads(path.read_text())
        if found["runs"] == names:
            return dict(found["scores"])
    scores = compute()
    if scores is not None:
        write_text(path, json.dumps({"runs": names, "scores": scores}, indent=2) + "\n")
    return scores
