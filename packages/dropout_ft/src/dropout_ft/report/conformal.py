"""The report's part on conformal sets: coverage and size, where it holds and where it breaks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from dropout_ft.report.figures import grouped
from dropout_ft.report.results import Collection, Result
from dropout_ft.results.conformal import RULES, Sets, measure_sets
from dropout_ft.results.csv_text import csv_of

LEVELS = (0.8, 0.9, 0.95)
CONFORMAL_HEADER = (
    "method", "sets", "wanted %", "i.i.d. coverage %", "o.o.d. coverage %", "i.i.d. set size",
    "o.o.d. set size", "n",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ConformalRow:
    """One line: sets of a method, means over its results; coverage in percent.

    Attributes:
        name: method and rate.
        rule: ``LAC`` or ``APS``.
        level: wanted coverage.
        iid_coverage: on i.i.d. pictures that did not shape the threshold.
        ood_coverage: on the domains left out, where nothing is promised.
        iid_size: mean number of classes in a set.
        ood_size: on the domains left out.
        count: results averaged.
    """

    name: str
    rule: str
    level: float
    iid_coverage: float
    ood_coverage: float
    iid_size: float
    ood_size: float
    count: int


def conformal_rows(collection: Collection) -> list[ConformalRow]:
    """Measure the sets of every single run at its selected step, and average them."""
    runs = {str(run.directory.path): run for run in collection.runs}
    usable = []
    for result in collection.results:
        if result.method == "run":
            logits = runs[result.runs[0]].logits[result.step]["current"]
            if np.isfinite(logits).all():
                usable.append((result, logits))
    logits_of = {id(result): logits for result, logits in usable}
    rows = []
    for group in grouped([result for result, _ in usable]):
        for rule in RULES:
            for level in LEVELS:
                found = [
                    measure_sets(logits_of[id(r)], runs[r.runs[0]].table, level, rule)
                    for r in group
                ]
                rows.append(_row(group, rule, level, found))
    return rows


def _row(
    group: Sequence[Result], rule: str, level: float, found: Sequence[tuple[Sets, Sets]]
) -> ConformalRow:
    first = group[0]
    return ConformalRow(
        name=first.name,
        rule=rule,
        level=100 * level,
        iid_coverage=100 * float(np.mean([iid.coverage for iid, _ in found])),
        ood_coverage=100 * float(np.mean([ood.coverage for _, ood in found])),
        iid_size=float(np.mean([iid.size for iid, _ in found])),
        ood_size=float(np.mean([ood.size for _, ood in found])),
        count=len(found),
    )


def conformal_cells(row: ConformalRow) -> list[str]:
    """Return the cells of a row as they are shown."""
    return [
        row.name, row.rule, f"{row.level:g}", f"{row.iid_coverage:.1f}", f"{row.ood_coverage:.1f}",
        f"{row.iid_size:.2f}", f"{row.ood_size:.2f}", str(row.count),
    ]  # fmt: skip


def conformal_csv(rows: Sequence[ConformalRow]) -> str:
    """Return the rows with full precision."""
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    return csv_of(pd.DataFrame(map(asdict, rows), columns=list(ConformalRow.__dataclass_fields__)))
