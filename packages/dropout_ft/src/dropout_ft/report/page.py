"""The self-contained HTML page."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from dropout_ft.methods.base import Sum
from dropout_ft.report import comparison_figures, figures
from dropout_ft.report.answer import answer
from dropout_ft.report.conformal import CONFORMAL_HEADER, ConformalRow, conformal_cells
from dropout_ft.report.curve import places
from dropout_ft.report.curve_figure import curve_figure
from dropout_ft.report.examples import examples
from dropout_ft.report.results import Collection
from dropout_ft.report.table import HEADER, Row, text_cells
from dropout_ft.report.targets import (
    CLIP_HEADER,
    TARGET_HEADER,
    clip_cells,
    comparisons,
    on_clip,
    target_cells,
)
from dropout_ft.report.tidy import tidy
from dropout_ft.report.trust import (
    TRUST_HEADER,
    Measured,
    coverage_curves,
    trust_cells,
    trust_rows,
)
from dropout_ft.results.run import Run
from dropout_ft.results.scores import TestPart
from holdfast.report.page import page_environment
from holdfast.runs.record import read_record

PART_WORDS: dict[TestPart, str] = {
    "whole": "over all pictures of the domain left out that the protocol scores",
    "in": "over the 80 % “in” part of the domain left out, as DomainBed's tables",
    "out": "over the 20 % “out” part of the domain left out",
}


def render_page(
    collection: Collection,
    rows: Sequence[Row],
    *,
    title: str,
    note: str,
    part: TestPart = "whole",
    ensemble_of: Sum = "logits",
    trusted: Measured | None = None,
    sets: Sequence[ConformalRow] = (),
) -> str:
    """Return the page: table, figures, examples, and how everything was made.

    Args:
        collection: runs and results.
        rows: the table.
        title: heading.
        note: one paragraph about data and budget, in the words of whoever made the runs.
        part: of the test domains that ``ood`` is on.
        ensemble_of: what the ensembles sum.
        trusted: calibration of the single runs.
        sets: coverage and size of their conformal sets.
    """
    template = page_environment("dropout_ft.report").get_template("report.html.j2")
    results = collection.results
    head_rate = comparison_figures.head_rate(results)
    curve = curve_figure(places(tidy(collection), part))
    measures = trust_rows(trusted or [])
    return template.render(
        title=title,
        note=note,
        answer=answer(rows),
        made=datetime.now(UTC).isoformat(timespec="minutes"),
        header=HEADER,
        rows=[text_cells(row) for row in rows],
        remarks=collection.remarks,
        figures=[
            ("i.i.d. against o.o.d. accuracy, one point for each result",
             figures.scatter(results)),
            figures.clouds(results),
            ("Accuracy against the dropout rate, mean and standard error over runs",
             figures.rate_curve(results)),
            ("O.o.d. accuracy on each domain left out", figures.domain_bars(results)),
            *([("Gain over ERM (above) and best rate (below) against the distance of the shift and "
                "the number of training images, with 95 % intervals over seeds; bars beside a best "
                "rate span those not told apart from it", curve)] if curve else []),
            ("O.o.d. accuracy along training, mean over runs",
             figures.learning_curves(collection, part)),
            ("Gain over ERM of every method, paired by domain and seed; standard errors",
             comparison_figures.method_bars(rows)),
            ("O.o.d. accuracy against the cost of training and of one prediction",
             comparison_figures.cost_panels(rows)),
            *([("Learning rate of the head 1x and 10x that of the backbone", head_rate)]
              if head_rate else []),
            *([("O.o.d. accuracy of the surest pictures, mean over runs: what abstaining buys",
                coverage_curves(measures, trusted))] if trusted else []),
        ],
        trust_header=TRUST_HEADER,
        trust=[trust_cells(row) for row in measures],
        conformal_header=CONFORMAL_HEADER,
        conformal=[conformal_cells(row) for row in sets],
        target_header=TARGET_HEADER,
        targets=[] if on_clip(collection.runs) else [
            target_cells(row) for row in comparisons(collection.runs, results)],
        clip_header=CLIP_HEADER,
        clip=clip_cells(collection.runs, results),
        part=PART_WORDS[part],
        ensemble_of=ensemble_of,
        examples=examples(collection),
        example_domain=collection.runs[0].coordinates.test_name,
        runs=[_run_facts(run) for run in collection.runs],
        record=_shared_facts(collection),
    )  # fmt: skip


def _run_facts(run: Run) -> dict[str, Any]:
    return {
        "path": run.directory.path.name,
        "dropout_rate": run.coordinates.dropout_rate,
        "seed": run.coordinates.seed,
        "test": run.coordinates.test_name,
        "steps": run.last_step,
        "seconds": round(run.seconds, 1),
    }


def _shared_facts(collection: Collection) -> dict[str, Any]:
    record = read_record(collection.runs[0].directory.record)
    launch = record["launches"][-1] if record["launches"] else {}
    hardware = launch.get("hardware") or {}
    packages = launch.get("packages") or {}
    table, config = collection.runs[0].table, record.get("config") or {}
    return {
        "processor": hardware.get("processor", "unknown"),
        "gpus": ", ".join(map(str, hardware.get("gpus") or [])) or "none",
        "threads": hardware.get("threads", "unknown"),
        "packages": ", ".join(f"{k} {v}" for k, v in packages.items() if v != "absent"),
        "git": (launch.get("git") or {}).get("commit", "no repository"),
        "data": without_folders(config.get("data")),
        "model": without_folders(config.get("model")),
        "pictures": len(table),
    }


def without_folders(value: Any) -> Any:  # noqa: ANN401  (any part of a configuration)
    """Return settings in which a path of the user's disk is its last name only.

    Examples:
        >>> without_folders({"source": "/srv/pictures", "sizes": [64, "a/b"]})
        {'source': 'pictures', 'sizes': [64, 'a/b']}
    """
    if isinstance(value, dict):
        return {key: without_folders(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    if isinstance(value, str) and PurePath(value).is_absolute():
        return PurePath(value).name
    return value
