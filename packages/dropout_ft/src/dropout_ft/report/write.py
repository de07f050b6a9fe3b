"""Writing table and page, and showing the table."""

from pathlib import Path

from rich.console import Console

from dropout_ft.methods.trajectory_ensemble import Average
from dropout_ft.report.collect import Collection, Part
from dropout_ft.report.page import render_page
from dropout_ft.report.table import csv_text, latex_text, make_rows, rich_table
from holdfast.atomic import write_text


def write_report(
    collection: Collection,
    out: str | Path,
    *,
    title: str,
    note: str,
    part: Part = "whole",
    ensemble_of: Average = "logits",
) -> Path:
    """Print the table; write ``report.html``, ``results.csv`` and ``results.tex`` into ``out``.

    Returns:
        The path of the page.
    """
    folder = Path(out).expanduser()
    rows = make_rows(collection.results)
    write_text(folder / "results.csv", csv_text(rows))
    write_text(folder / "results.tex", latex_text(rows, title))
    page = folder / "report.html"
    text = render_page(collection, rows, title=title, note=note, part=part, ensemble_of=ensemble_of)
    write_text(page, text)
    console = Console(width=None if Console().is_terminal else 110)
    console.print(rich_table(rows, title))
    console.print(
        "± is the standard error over n results (test domains x seeds); gains are paired with ERM.",
        style="dim",
    )
    console.print(f"report: {page}", soft_wrap=True)
    return page
