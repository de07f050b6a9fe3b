"""``dropout-ft report``: table and page from finished runs."""

from pathlib import Path

from dropout_ft.commands.trusted import own_classes
from dropout_ft.methods.base import Options, Sum
from dropout_ft.results.run import load_runs
from dropout_ft.results.scores import TestPart
from holdfast.outputs import check_files, keep_apart

PAGE = "report.html"
FILES = (PAGE, "results.csv", "results.tex", "tidy.csv", "tidy.parquet", "trust.csv",
         "conformal.csv")  # fmt: skip
MADE_BY = "by <code>dropout-ft report</code>"
"""Stands in every page that this command wrote."""


def report(
    runs: list[str],
    *,
    out: str = "report",
    title: str = "Very large dropout",
    note: str = "",
    methods: list[str] = [],  # noqa: B006
    ood_part: TestPart = "whole",
    ensemble_of: Sum = "logits",
    overwrite: bool = False,
    backbone: str | None = None,
    source: str | None = None,
) -> None:
    """Make a page and tables from finished runs.

    A folder that holds an earlier report is written anew, as a sweep goes on.

    Writes ``report.html``, its table (``results.csv``, ``results.tex``), how far probabilities and
    sets of classes can be trusted (``trust.csv``, ``conformal.csv``) and every accuracy behind it
    (``tidy.csv``, ``tidy.parquet``).

    Args:
        runs: run directories, or folders of run directories.
        out: folder to write into.
        title: heading of the page.
        note: a paragraph about data and budget.
        methods: more methods to compute from the runs, such as SWAD, "greedy soup" or "MC dropout";
            ``all`` is every one (docs/dropout_ft.md lists them).
        ood_part: score all of a test domain (``whole``), or its 80 % ``in`` part as DomainBed's
            tables do, or its 20 % ``out`` part.
        ensemble_of: ``logits`` as the official code, or ``probabilities``.
        overwrite: replace files of these names that no report wrote.
        backbone: ``module.Class`` of your own that the runs name; it is imported.
        source: ``module.Class`` of your own source of data that the runs name; it is imported.
    """
    found = load_runs(runs, own_classes(backbone, source))
    keep_apart([out], [run.directory.path for run in found])
    check_folder(Path(out).expanduser(), overwrite=overwrite)

    from dropout_ft.report.results import collect, of_part
    from dropout_ft.report.write import write_report

    collection = collect(found, methods, Options(ensemble_of=ensemble_of))
    collection.results = of_part(collection.results, ood_part)
    write_report(
        collection, Path(out), title=title, note=note, part=ood_part, ensemble_of=ensemble_of
    )


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse to replace files that no report wrote; a report may be written anew.

    Raises:
        ConfigError: names the file.
    """
    page = folder / PAGE
    own = page.is_file() and MADE_BY in page.read_text(encoding="utf-8", errors="replace")
    check_files([folder / name for name in FILES], overwrite=overwrite or own)
