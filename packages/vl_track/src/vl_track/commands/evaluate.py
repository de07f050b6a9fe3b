"""``vl-track evaluate``: score raw results as each of the field's toolkits would."""

import sys
from collections.abc import Sequence
from pathlib import Path

from holdfast.atomic import write_text
from holdfast.errors import ConfigError
from holdfast.outputs import check_files, keep_apart
from vl_track.data.sets.base import Split
from vl_track.scoring.analysis import Analysis, Missing
from vl_track.scoring.conventions import Name
from vl_track.scoring.evaluating import evaluate as scored
from vl_track.scoring.report import tables
from vl_track.scoring.report.answer import answer
from vl_track.scoring.sets import folders_of

FILES = (
    "report.html", "scores.json", "table.csv", "table.tex", "toolkits.csv", "attributes.csv",
    "sequences.csv",
)  # fmt: skip
"""Of a report, where each has something in it."""


def evaluate(
    *,
    results: str | None = None,
    dataset: str = "lasot",
    compare: list[str] | None = None,
    annotations: str | None = None,
    root: str | None = None,
    folder: str | None = None,
    split: Split | None = None,
    convention: Name = "stark",
    label: str | None = None,
    truncate: bool = False,
    strict: bool = False,
    missing: Missing = "refuse",
    sequences: list[str] | None = None,
    out: str | None = None,
    samples: int = 10_000,
    reference: str | None = None,
) -> None:
    """Score a tracker, or several, on a benchmark.

    Args:
        results: folder or archive of one tracker's results, or a folder of many trackers.
        dataset: name of the benchmark (`vl-track data list`).
        compare: more results.
        annotations: the evaluation toolkit's annotations (folder or archive) instead of the data
            set itself.
        root: data root; the data set is expected below it.
        folder: the data set's own folder, where it does not lie below the data root.
        split: which part; by default ``val`` of GOT-10k and ``test`` of the others.
        convention: whose rules: ``stark`` (OSTrack, All-in-One and all their family),
            ``pytracking``, ``matlab``, ``got10k``, ``mmot``, or ``plain`` (ours). The toolkits' are
            shown beside it.
        label: the data set's name as the toolkit is told it; it changes scores. By default what the
            toolkits' own loaders say.
        truncate: cut coordinates to whole numbers, as the pytracking family saves them.
        strict: refuse results the toolkit refuses, instead of saying so and going on.
        missing: sequences without a readable result: ``refuse``, ``skip`` or ``zero`` (misses).
        sequences: score these only.
        out: folder for report.html, scores.json, CSV and LaTeX tables.
        samples: of the bootstrap and the sign-flip test.
        reference: the tracker that every other is compared with; the first one by default.
    """
    if results is None:
        raise ConfigError("Which results? Give --results FOLDER (or an archive).")
    if out:
        _check_report(
            out, [results, *(compare or [])],
            [annotations] if annotations else folders_of(dataset, root=root, folder=folder),
        )  # fmt: skip
    analysis = scored(
        [results, *(compare or [])],
        dataset,
        annotations=annotations,
        root=root,
        folder=folder,
        split=split,
        rules=convention,
        label=label,
        truncate=truncate,
        strict=strict,
        missing=missing,
        sequences=sequences,
        samples=samples,
        reference=reference,
    )
    remarks = [text for one in analysis.truths for text in one.remarks]
    sys.stderr.write("".join(f"note: {text}\n" for text in remarks))
    sys.stderr.write(tables.say_findings(analysis.trackers))
    sys.stdout.write(report_text(analysis))
    if out:
        for path in write_report(analysis, Path(out)):
            sys.stdout.write(f"wrote {path}\n")


def _check_report(out: str, results: list[str], truths: Sequence[str | Path]) -> None:
    """Refuse a report among the true boxes, or in place of results."""
    keep_apart([out], truths)
    check_files([Path(out) / name for name in FILES], results, overwrite=True)


def report_text(analysis: Analysis) -> str:
    """Return the scores, how they were made, and what other toolkits would say."""
    return "\n".join(
        [
            answer(analysis),
            "",
            tables.as_text(tables.main_table(analysis)),
            tables.footnote(analysis),
            "",
            "What would the other toolkits say?",
            tables.as_text(tables.collapsed(tables.toolkit_table(analysis)))
            if analysis.every_frame
            else f"{tables.SOME_FRAMES}\n",
        ]
    )


def write_report(analysis: Analysis, folder: Path) -> list[Path]:
    """Write page, JSON, CSV and LaTeX; return the files.

    A table without rows is not written, and one of an earlier evaluation is removed.
    """
    from vl_track.commands.presets import record_text  # noqa: PLC0415  (Scenes comes with it)
    from vl_track.scoring.report.page import render_page  # noqa: PLC0415  (matplotlib is slow)

    note = tables.footnote(analysis)
    main = tables.main_table(analysis)
    contents = {
        "report.html": render_page(analysis),
        "scores.json": record_text(tables.as_record(analysis)),
        "table.csv": tables.as_csv(main, note),
        "table.tex": tables.as_latex(main, note),
    }
    for name, table in (
        ("toolkits.csv", tables.toolkit_table(analysis)),
        ("attributes.csv", tables.attribute_table(analysis)),
        ("sequences.csv", tables.sequence_table(analysis)),
    ):
        if len(table) > 1:  # beside its header
            contents[name] = tables.as_csv(table, note)
    for name, text in contents.items():
        write_text(folder / name, text)
    for name in set(FILES) - set(contents):
        (folder / name).unlink(missing_ok=True)
    return [folder / name for name in contents]
