"""DomainBed's tables: cells, averages, and their text, LaTeX and CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dropout_ft.data.known import domain_labels
from dropout_ft.domainbed.order import ALGORITHMS, DATASETS, in_order
from dropout_ft.domainbed.records import Record
from dropout_ft.domainbed.selection import RULES, Choice
from dropout_ft.results.csv_text import csv_of

MISSING = "X"
RESULT_WIDTH = 20
AVERAGE_WIDTH = 25
"""Of the columns of the two kinds of table in collect_results.py."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Mean over trials, in percent.

    Attributes:
        mean: ``100 * mean(values)``, nan where nothing was chosen.
        error: ``100 * std(values / sqrt(count))``, the population's, as DomainBed computes it.
        count: trials.
        rule: key in :data:`dropout_ft.domainbed.selection.RULES`.
    """

    mean: float
    error: float
    count: int
    rule: str

    @property
    def text(self) -> str:
        """``64.2 +/- 0.8``, or ``X``."""
        return f"{self.mean:.1f} +/- {self.error:.1f}" if self.count else MISSING

    @property
    def note(self) -> str:
        """What a reader must know about the number."""
        return f"mean and standard error over {self.count} trial(s), selected by {self.rule}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """One data set under one rule.

    Attributes:
        dataset: its name.
        rule: key of the rule.
        algorithms: rows, in DomainBed's order; those of all data sets of the records.
        columns: labels of the test domains.
        cells: by row, one for each column.
        averages: by row, the mean of the row's means; nan where a cell is missing.
        over_trials: by row, the mean over trials of each trial's mean over domains.
    """

    dataset: str
    rule: str
    algorithms: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    averages: tuple[float, ...]
    over_trials: tuple[Cell, ...]


def cell_of(values: Sequence[float], rule: str) -> Cell:
    """Average accuracies in [0, 1] as DomainBed does, to the last bit."""
    if not values:
        return Cell(mean=float("nan"), error=float("nan"), count=0, rule=rule)
    mean = 100 * np.mean(list(values))
    error = 100 * np.std(np.array(values) / np.sqrt(len(values)))
    return Cell(mean=float(mean), error=float(error), count=len(values), rule=rule)


def make_table(records: Sequence[Record], dataset: str, rule: str) -> Table:
    """Select with a rule in every group of records of a data set, and average.

    Args:
        records: of a sweep; those of other data sets are left out.
        dataset: DomainBed's name.
        rule: key of :data:`dropout_ft.domainbed.selection.RULES`.
    """
    own = [record for record in records if record.dataset == dataset]
    algorithms = tuple(in_order((record.algorithm for record in records), ALGORITHMS))
    envs = range(max(record.envs for record in own))
    rows, overall = [], []
    for algorithm in algorithms:
        of_algorithm = [record for record in own if record.algorithm == algorithm]
        chosen = [_choices(of_algorithm, env, rule) for env in envs]
        rows.append(tuple(cell_of([c.test for c in by.values()], rule) for by in chosen))
        overall.append(cell_of(_trial_means(chosen), rule))
    return Table(
        dataset=dataset,
        rule=rule,
        algorithms=algorithms,
        columns=domain_labels(dataset, len(envs)),
        cells=tuple(rows),
        averages=tuple(average_of(row) for row in rows),
        over_trials=tuple(overall),
    )


def make_tables(records: Sequence[Record], rules: Sequence[str]) -> list[Table]:
    """Return the tables of every data set under every rule, rules first."""
    names = in_order(sorted(record.dataset for record in records), DATASETS)
    return [make_table(records, name, rule) for rule in rules for name in names]


def average_of(cells: Sequence[Cell]) -> float:
    """Return the mean of the cells' means; nan where a cell is missing."""
    return sum(cell.mean for cell in cells) / len(cells)


def table_text(table: Table) -> str:
    """Return the table as DomainBed prints it, an empty line first."""
    title = f"Dataset: {table.dataset}, model selection method: {RULES[table.rule][0]}"
    rows = [("Algorithm", *table.columns, "Avg")]
    for name, cells, mean in zip(table.algorithms, table.cells, table.averages, strict=True):
        rows.append((name, *(cell.text for cell in cells), _number(mean)))
    return _printed(title, rows, RESULT_WIDTH)


def averages_text(tables: Sequence[Table]) -> str:
    """Return DomainBed's table of averages: one column for each data set of one rule."""
    title = f"Averages, model selection method: {RULES[tables[0].rule][0]}"
    rows = [("Algorithm", *(table.dataset for table in tables), "Avg")]
    for row, name in enumerate(tables[0].algorithms):
        cells = [table.over_trials[row] for table in tables]
        rows.append((name, *(cell.text for cell in cells), _number(average_of(cells))))
    return _printed(title, rows, AVERAGE_WIDTH)


def table_latex(table: Table) -> str:
    """Return the table as a LaTeX tabular, the rule and the counts in a comment above it."""
    import pandas as pd  # noqa: PLC0415  (half a second, for tables only)

    note = table.cells[0][0].note if table.cells else ""
    rows = [
        [name, *(cell.text.replace("+/-", "±") for cell in row), _number(mean)]
        for name, row, mean in zip(table.algorithms, table.cells, table.averages, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["Algorithm", *table.columns, "Avg"])
    columns = "l" + "c" * (len(table.columns) + 1)
    text = frame.to_latex(index=False, escape=True, column_format=columns)
    return f"% {table.dataset}: {note}\n{text}"


def tables_csv(tables: Sequence[Table]) -> str:
    """Return every cell with full precision, its rule and its number of trials."""
    import pandas as pd  # noqa: PLC0415

    names = ["dataset", "rule", "algorithm", "test_domain", "mean", "error", "trials"]
    rows = [
        (table.dataset, table.rule, name, column, cell.mean, cell.error, cell.count)
        for table in tables
        for name, row in zip(table.algorithms, table.cells, strict=True)
        for column, cell in zip(table.columns, row, strict=True)
    ]
    return csv_of(pd.DataFrame(rows, columns=names), missing="nan")


def _choices(records: Sequence[Record], env: int, rule: str) -> dict[int, Choice]:
    """Apply a rule to each trial of one algorithm and test domain."""
    chosen = {}
    for trial in sorted({record.trial_seed for record in records}):
        group = [r for r in records if r.trial_seed == trial and env in r.test_envs]
        choice = RULES[rule][1](group, env)
        if choice is not None:
            chosen[trial] = choice
    return chosen


def _trial_means(chosen: Sequence[dict[int, Choice]]) -> list[float]:
    """Average over the domains within each trial that has something chosen."""
    trials = sorted({trial for by_trial in chosen for trial in by_trial})
    return [
        float(np.mean([by_trial[trial].test for by_trial in chosen if trial in by_trial]))
        for trial in trials
    ]


Format = Literal["text", "latex", "csv"]


def _number(value: float) -> str:
    return MISSING if np.isnan(value) else f"{value:.1f}"


def _printed(title: str, rows: Sequence[Sequence[str]], width: int) -> str:
    """Lay rows out as ``print_row`` of domainbed/lib/misc.py does."""
    lines = ["", f"-------- {title}"]
    lines += ["  ".join(word.ljust(width)[:width] for word in row) + " " for row in rows]
    return "\n".join(lines) + "\n"
