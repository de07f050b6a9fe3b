"""The one table: mean, standard error, gain over ERM, and cost of each method."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

from dropout_ft.methods.registry import all_methods
from dropout_ft.report.results import Result
from dropout_ft.results.csv_text import csv_of


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; accuracies and gains in percent.

    Attributes:
        name: method and rate.
        method: as in :class:`Result`.
        dropout_rate: dropout rate.
        count: results averaged.
        iid: mean i.i.d. accuracy.
        iid_error: its standard error over the results; nan for a single one.
        ood: mean o.o.d. accuracy.
        ood_error: its standard error.
        gain: mean o.o.d. difference from ERM of the same budget, test domain and seed; nan where
            there is no such ERM.
        gain_error: standard error of that paired difference.
        gain_interval: half the width of the 95 % interval of the gain, by Student's t over the
            paired results; nan for a single one.
        train_seconds: mean wall time of the training a result needs.
        networks: forward passes at inference.
        label: as in :class:`Result`.
        erm: whether this is the ERM that gains are measured against.
        gpu_seconds: mean of the results' GPU-seconds; 0 on a CPU.
    """

    name: str
    method: str
    dropout_rate: float
    count: int
    iid: float
    iid_error: float
    ood: float
    ood_error: float
    gain: float
    gain_error: float
    gain_interval: float
    train_seconds: float
    networks: float
    label: str = ""
    erm: bool = False
    gpu_seconds: float = 0.0


def standard_error(values: Sequence[float]) -> float:
    """Sample standard deviation over the square root of the count; nan for fewer than two."""
    if len(values) < 2:
        return float("nan")
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def half_interval(values: Sequence[float], level: float = 0.95) -> float:
    """Half the width of the interval that holds the mean, by Student's t; nan for fewer than two.

    Two results that happen to agree have a standard error near 0 and say little: the quantile, 12.7
    for two results and 2.1 for twenty, accounts for how few they are.

    Args:
        values: results that count as independent and roughly normal.
        level: coverage, in (0, 1).
    """
    if len(values) < 2:
        return float("nan")
    from scipy.stats import t  # noqa: PLC0415  (half a second, for reports only)

    return float(t.ppf((1 + level) / 2, len(values) - 1)) * standard_error(values)


def make_rows(results: Sequence[Result]) -> list[Row]:
    """Average the results of each method, group of runs and rate over test domains and seeds.

    Runs of unlike backbone, weights, budget, image size or data are in groups of their own.
    """
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(result.key, []).append(result)
    order = {name: place for place, name in enumerate(all_methods())}
    rows = [_row(group, results) for group in groups.values()]
    return sorted(rows, key=lambda row: (order[row.method], row.label, row.dropout_rate))


def _row(own: list[Result], everything: Sequence[Result]) -> Row:
    first = own[0]
    gains = _gains(own, everything)
    iid, ood = [100 * r.iid for r in own], [100 * r.ood for r in own]
    return Row(
        name=first.name,
        method=first.method,
        dropout_rate=first.dropout_rate,
        count=len(own),
        iid=float(np.mean(iid)),
        iid_error=standard_error(iid),
        ood=float(np.mean(ood)),
        ood_error=standard_error(ood),
        gain=float(np.mean(gains)) if gains else float("nan"),
        gain_error=standard_error(gains),
        gain_interval=half_interval(gains),
        train_seconds=float(np.mean([r.train_seconds for r in own])),
        networks=float(np.mean([r.networks for r in own])),
        label=first.label,
        erm=first.is_erm,
        gpu_seconds=float(np.mean([r.gpu_seconds for r in own])),
    )


def _gains(own: Sequence[Result], everything: Sequence[Result]) -> list[float]:
    """Pair each result with ERM of the same budget, place (and seed, where it has one)."""
    gains = []
    for result in own:
        partners = [100 * erm.ood for erm in erm_partners(result, everything)]
        if partners:
            gains.append(100 * result.ood - float(np.mean(partners)))
    return gains


def erm_partners(result: Result, everything: Sequence[Result]) -> list[Result]:
    """Return the ERM runs a result is compared with: like in all but the method.

    Plain ones are preferred; a sweep whose variants are budgets has an ERM of its own in each.
    """
    where = result.coordinates
    found = [
        erm
        for erm in everything
        if erm.is_erm
        and erm.coordinates.test_case == where.test_case
        and erm.coordinates.budget == where.budget
        and result.seed in {erm.seed, -1}
    ]
    own = [erm for erm in found if erm.coordinates.variant == where.variant]
    plain = [erm for erm in found if not erm.label]
    return plain or own


def with_error(value: float, error: float, *, signed: bool = False) -> str:
    """Format ``61.2 ± 0.4``; without an error only the value, without a value a dash."""
    if np.isnan(value):
        return "-"
    text = f"{value:+.1f}" if signed else f"{value:.1f}"
    return text if np.isnan(error) else f"{text} ± {error:.1f}"


def text_cells(row: Row) -> list[str]:
    """Return the cells of a row as they are shown."""
    return [
        row.name,
        with_error(row.iid, row.iid_error),
        with_error(row.ood, row.ood_error),
        "-" if row.erm else with_error(row.gain, row.gain_interval, signed=True),
        str(row.count),
        f"{row.train_seconds:.0f}",
        f"{row.networks:.3g}",
    ]


HEADER = ("method", "i.i.d. %", "o.o.d. %", "gain over ERM (95 %)", "n", "training s", "networks")


def rich_table(rows: Sequence[Row], title: str) -> Table:
    """Return the table for a terminal."""
    table = Table(title=title)
    for number, name in enumerate(HEADER):
        table.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*text_cells(row))
    return table


def csv_text(rows: Sequence[Row]) -> str:
    """Return the table as CSV with full precision."""
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    names = list(Row.__dataclass_fields__)
    return csv_of(pd.DataFrame(map(asdict, rows), columns=names))


def latex_text(rows: Sequence[Row], note: str = "") -> str:
    """Return the table as LaTeX (booktabs), ``note`` and the meaning of the errors in comments."""
    import pandas as pd  # noqa: PLC0415

    lines = [f"% {line}" for line in note.splitlines()]
    lines += [
        "% ± is the standard error over n results, of the gain the 95 % interval by Student's t; "
        "selection by i.i.d. accuracy"
    ]
    frame = pd.DataFrame(map(text_cells, rows), columns=list(HEADER))
    columns = "l" + "r" * (len(HEADER) - 1)
    return "\n".join([*lines, frame.to_latex(index=False, escape=True, column_format=columns)])
