"""The report's part on trust: calibration and abstention of single runs, by rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_ft.report.figures import colour_of, grouped, legend_below, mark_of
from dropout_ft.report.results import Collection, Result
from dropout_ft.results.csv_text import csv_of
from dropout_ft.results.trust import COVERAGES, Trust, trust
from holdfast.report.figures import as_png, new_figure

TRUST_HEADER = (
    "method", "part", "accuracy %", "ECE %", "ECE scaled %", "Brier", "Brier scaled", "NLL",
    "NLL scaled", "accuracy % of the surest 80 %", "of the surest 50 %", "n",
)  # fmt: skip
PARTS = ("i.i.d.", "o.o.d.")
Measured = list[tuple[Result, Trust]]


@dataclass(frozen=True, kw_only=True)
class TrustRow:
    """One line: a method on one part, means over its results; shares in percent.

    Attributes:
        name: method and rate.
        part: ``i.i.d.`` or ``o.o.d.``.
        count: results averaged.
        temperature: geometric mean.
        accuracy: of all pictures.
        ece: as the network answers.
        ece_scaled: after temperature scaling; so the next two pairs.
        brier: in [0, 2].
        brier_scaled: in [0, 2].
        nll: nats.
        nll_scaled: nats.
        covered: accuracy of the surest share of the pictures, for each of ``COVERAGES``.
    """

    name: str
    part: str
    count: int
    temperature: float
    accuracy: float
    ece: float
    ece_scaled: float
    brier: float
    brier_scaled: float
    nll: float
    nll_scaled: float
    covered: tuple[float, ...]


def measured(collection: Collection) -> Measured:
    """Measure every single run at its selected step, where all its pictures were evaluated."""
    runs = {str(run.directory.path): run for run in collection.runs}
    found = []
    for result in collection.results:
        if result.method != "run":
            continue
        run = runs[result.runs[0]]
        logits = run.logits[result.step]["current"]
        if np.isfinite(logits).all():
            found.append((result, trust(logits, run.table)))
    return found


def trust_rows(found: Measured) -> list[TrustRow]:
    """Average the measures of runs that may share a mean, in the order of the table."""
    of = {id(result): one for result, one in found}
    groups = grouped([result for result, _ in found])
    return [
        _row(group[0], part, [of[id(result)] for result in group])
        for group in groups
        for part in PARTS
    ]


def _row(first: Result, part: str, of: Sequence[Trust]) -> TrustRow:
    plain = [one.iid if part == "i.i.d." else one.ood for one in of]
    scaled = [one.iid_scaled if part == "i.i.d." else one.ood_scaled for one in of]
    return TrustRow(
        name=first.name,
        part=part,
        count=len(of),
        temperature=float(np.exp(np.mean([np.log(one.temperature) for one in of]))),
        accuracy=100 * float(np.mean([one.accuracy for one in plain])),
        ece=100 * float(np.mean([one.ece for one in plain])),
        ece_scaled=100 * float(np.mean([one.ece for one in scaled])),
        brier=float(np.mean([one.brier for one in plain])),
        brier_scaled=float(np.mean([one.brier for one in scaled])),
        nll=float(np.mean([one.nll for one in plain])),
        nll_scaled=float(np.mean([one.nll for one in scaled])),
        covered=tuple(100 * np.mean([one.covered for one in plain], axis=0)),
    )


def trust_cells(row: TrustRow) -> list[str]:
    """Return the cells of a row as they are shown."""
    at = dict(zip(COVERAGES, row.covered, strict=True))
    return [
        row.name, row.part, f"{row.accuracy:.1f}", f"{row.ece:.1f}", f"{row.ece_scaled:.1f}",
        f"{row.brier:.3f}", f"{row.brier_scaled:.3f}", f"{row.nll:.2f}", f"{row.nll_scaled:.2f}",
        f"{at[0.8]:.1f}", f"{at[0.5]:.1f}", str(row.count),
    ]  # fmt: skip


def trust_csv(rows: Sequence[TrustRow]) -> str:
    """Return the rows with full precision; a column for each share of the surest pictures."""
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    names = [name for name in TrustRow.__dataclass_fields__ if name != "covered"]
    covered = [f"accuracy_of_surest_{share:g}" for share in COVERAGES]
    values = [[*(getattr(row, name) for name in names), *row.covered] for row in rows]
    return csv_of(pd.DataFrame(values, columns=[*names, *covered]))


def coverage_curves(rows: Sequence[TrustRow], found: Measured) -> bytes:
    """Draw o.o.d. accuracy against the share of pictures answered, the surest first."""
    figure, axes = new_figure()
    rates = sorted({result.dropout_rate for result, _ in found})
    groups = grouped([result for result, _ in found])
    for group, row in zip(groups, [r for r in rows if r.part == "o.o.d."], strict=True):
        axes.plot(
            [100 * share for share in COVERAGES], row.covered, label=row.name,
            color=colour_of(group[0].dropout_rate, rates),
            marker=mark_of(group[0].dropout_rate, rates), markevery=3,
        )  # fmt: skip
    axes.set_xlabel("pictures answered, %, the surest first")
    axes.set_ylabel("o.o.d. accuracy of the answers, %")
    legend_below(axes)
    return as_png(figure)
