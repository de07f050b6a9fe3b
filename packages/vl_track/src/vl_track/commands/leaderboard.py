"""``vl-track leaderboard``: many trackers' raw results, ranked under every convention."""

import sys
from pathlib import Path

from holdfast.atomic import write_text
from holdfast.errors import ConfigError
from holdfast.outputs import check_files, keep_apart
from holdfast.storage import is_remote
from vl_track.data.sets.base import Split
from vl_track.scoring.analysis import Missing
from vl_track.scoring.conventions import Name
from vl_track.scoring.evaluating import evaluate
from vl_track.scoring.report import tables
from vl_track.scoring.sets import folders_of

FILES = ("leaderboard.html", "leaderboard.csv")


def leaderboard(
    results: list[str],
    *,
    dataset: str = "lasot",
    annotations: str | None = None,
    root: str | None = None,
    folder: str | None = None,
    split: Split | None = None,
    convention: Name = "stark",
    missing: Missing = "refuse",
    sequences: list[str] | None = None,
    out: str | None = None,
    samples: int = 10_000,
) -> None:
    """Rank trackers by their raw results, and say how the ranking depends on the convention.

    Args:
        results: a folder of many trackers' results, or several folders or archives.
        dataset: name of the benchmark (`vl-track data list`).
        annotations: the evaluation toolkit's annotations (folder or archive) instead of the data
            set itself.
        root: data root; the data set is expected below it.
        folder: the data set's own folder, where it does not lie below the data root.
        split: which part; by default ``val`` of GOT-10k and ``test`` of the others.
        convention: whose rules the ranking and its tests follow; the toolkits' ranks stand beside
            it.
        missing: sequences without a readable result: ``refuse``, ``skip`` or ``zero`` (misses).
        sequences: score these only.
        out: folder for leaderboard.html and leaderboard.csv.
        samples: of the bootstrap and the sign-flip tests.
    """
    if out and not is_remote(out):  # an address is refused below
        out = str(Path(out).expanduser())
    if out:
        truths = [annotations] if annotations else folders_of(dataset, root=root, folder=folder)
        keep_apart([out], truths)
        check_files([Path(out) / name for name in FILES], results, overwrite=True)
    analysis = evaluate(
        results, dataset, annotations=annotations, root=root, folder=folder, split=split,
        rules=convention, missing=missing, sequences=sequences, samples=samples,
    )  # fmt: skip
    if len(analysis.trackers) < 2:
        raise ConfigError(
            f"{', '.join(results)} holds the results of one tracker, {analysis.trackers[0].tracker}"
            ": a leaderboard needs two or more (`vl-track evaluate` scores one)."
        )
    # matplotlib is slow to import, and only this command's end needs it.
    from vl_track.scoring.leaderboard import standings  # noqa: PLC0415
    from vl_track.scoring.report import leaderboard_page as page  # noqa: PLC0415

    found = standings(analysis, samples=samples)
    table = page.standings_table(analysis, found)
    sys.stderr.write(tables.say_findings(analysis.trackers))
    sys.stdout.write(f"{tables.as_text(table)}{page.summary(found)}\n")
    if out:
        write_text(Path(out) / FILES[0], page.render_leaderboard(analysis, found))
        write_text(Path(out) / FILES[1], tables.as_csv(table, tables.footnote(analysis)))
        sys.stdout.write("".join(f"wrote {Path(out) / name}\n" for name in FILES))
