"""Writing table and page, and showing the table."""

from pathlib import Path

from rich.console import Console

from dropout_ft.methods.base import Sum
from dropout_ft.report.answer import answer
from dropout_ft.report.conformal import conformal_csv, conformal_rows
from dropout_ft.report.page import render_page
from dropout_ft.report.results import Collection
from dropout_ft.report.table import csv_text, latex_text, make_rows, rich_table
from dropout_ft.report.tidy import write_tidy
from dropout_ft.report.trust import measured, trust_csv, trust_rows
from dropout_ft.results.scores import TestPart
from holdfast.atomic import write_text


def write_report(
    collection: Collection,
    out: str | Path,
    *,
    title: str,
    note: str,
    part: TestPart = "whole",
    ensemble_of: Sum = "logits",
) -> Path:
    """Print the table; write the page and the results into ``out``.

    ``report.html`` is the page, ``results.csv`` and ``results.tex`` are its table, ``trust.csv`` is
    that of calibration and abstention, ``conformal.csv`` that of sets of classes; ``tidy.csv`` and
    ``tidy.parquet`` hold every accuracy behind it, for one's own analysis.

    Returns:
        The path of the page.
    """
    folder = Path(out).expanduser()
    rows = make_rows(collection.results)
    write_text(folder / "results.csv", csv_text(rows))
    write_text(folder / "results.tex", latex_text(rows, title))
    write_tidy(collection, folder)
    trusted = measured(collection)
    write_text(folder / "trust.csv", trust_csv(trust_rows(trusted)))
    sets = conformal_rows(collection)
    write_text(folder / "conformal.csv", conformal_csv(sets))
    page = folder / "report.html"
    text = render_page(
        collection, rows, title=title, note=note, part=part, ensemble_of=ensemble_of,
        trusted=trusted, sets=sets,
    )  # fmt: skip
    write_text(page, text)
    console = Console(width=None if Console().is_terminal else 110)
    console.print(rich_table(rows, title))
    console.print(answer(rows), style="bold")
    console.print(
        "± of an accuracy is its standard error over n results (test domains x seeds), mostly the "
        "difference between domains; gains are paired with ERM, and their ± is the 95 % interval "
        "by Student's t.",
        style="dim",
    )
    console.print(f"report: {page}", soft_wrap=True)
    return page
