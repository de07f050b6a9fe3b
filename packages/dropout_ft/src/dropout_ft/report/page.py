"""The self-contained HTML page."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dropout_ft.report import figures
from dropout_ft.report.collect import Collection, Run
from dropout_ft.report.examples import examples
from dropout_ft.report.table import HEADER, Row, text_cells
from holdfast.report.page import page_environment
from holdfast.runs.record import read_record


def render_page(collection: Collection, rows: Sequence[Row], *, title: str, note: str) -> str:
    """Return the page: table, figures, examples, and how everything was made.

    Args:
        collection: runs and results.
        rows: the table.
        title: heading.
        note: one paragraph about data and budget, in the words of whoever made the runs.
    """
    template = page_environment("dropout_ft.report").get_template("report.html.j2")
    results = collection.results
    return template.render(
        title=title,
        note=note,
        made=datetime.now(UTC).isoformat(timespec="minutes"),
        header=HEADER,
        rows=[text_cells(row) for row in rows],
        figures=[
            ("i.i.d. against o.o.d. accuracy, one point for each result",
             figures.scatter(results)),
            ("The same averaged over test domains: every combination of hyper-parameters, means "
             "in black", figures.clouds(results)),
            ("Accuracy against the dropout rate, mean and standard error over runs",
             figures.rate_curve(results)),
            ("O.o.d. accuracy on each domain left out", figures.domain_bars(results)),
            ("O.o.d. accuracy along training, mean over runs",
             figures.learning_curves(collection.runs)),
            ("O.o.d. accuracy against the cost of training", figures.cost_bars(rows)),
        ],
        examples=examples(collection.runs),
        example_domain=collection.runs[0].test_name,
        runs=[_run_facts(run) for run in collection.runs],
        record=_shared_facts(collection),
    )  # fmt: skip


def _run_facts(run: Run) -> dict[str, Any]:
    return {
        "path": str(run.directory.path),
        "rate": run.rate,
        "seed": run.seed,
        "test": run.test_name,
        "steps": run.rows[-1]["step"],
        "seconds": round(run.seconds, 1),
    }


def _shared_facts(collection: Collection) -> dict[str, Any]:
    record = read_record(collection.runs[0].directory.record)
    launch = record["launches"][-1]
    table = collection.runs[0].table
    return {
        "processor": launch["hardware"]["processor"],
        "gpus": ", ".join(launch["hardware"]["gpus"]) or "none",
        "threads": launch["hardware"]["threads"],
        "packages": ", ".join(f"{k} {v}" for k, v in launch["packages"].items() if v != "absent"),
        "git": (launch["git"] or {}).get("commit", "no repository"),
        "data": record["config"]["data"],
        "model": record["config"]["model"],
        "pictures": len(table),
    }
