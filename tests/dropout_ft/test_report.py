"""Table, figures and page, on results written by hand."""

import csv
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_ft.report import comparison_figures, figures
from dropout_ft.report.collect import Result, Run, groups_over_seeds, single_run_results
from dropout_ft.report.examples import examples
from dropout_ft.report.table import (
    csv_text,
    make_rows,
    method_name,
    rich_table,
    standard_error,
    text_cells,
    with_error,
)
from holdfast.runs.directory import RunDirectory
from tables_support import make_logits, make_table

RESULTS = [
    Result(method="run", rate=rate, test_name=name, seed=seed, iid=0.9, ood=ood, train_seconds=60)
    for rate, name, seed, ood in [
        (0.0, "a", 0, 0.50), (0.0, "a", 1, 0.52), (0.0, "b", 0, 0.70), (0.0, "b", 1, 0.72),
        (0.9, "a", 0, 0.53), (0.9, "a", 1, 0.55), (0.9, "b", 0, 0.75), (0.9, "b", 1, 0.73),
    ]
]  # fmt: skip


def make_run(rate: float = 0.9, seed: int = 0, *, average: bool = True) -> Run:
    table = make_table()
    steps = (100, 200, 300)
    names = ("current", "average") if average else ("current",)
    logits = {step: {name: make_logits(table, step + seed) for name in names} for step in steps}
    rows: list[dict[str, Any]] = []
    for step, iid in zip(steps, (0.5, 0.8, 0.7), strict=True):
        scores = {"iid": iid, "ood": iid - 0.2}
        rows.append({"step": step, **dict.fromkeys(names, scores)})
    return Run(
        directory=RunDirectory(path=Path("nowhere")), rate=rate, seed=seed, table=table,
        logits=logits, rows=rows, seconds=12.0,
    )  # fmt: skip


def test_standard_error_is_of_the_sample() -> None:
    values = [3.0, 5.0, 10.0]
    mean = sum(values) / 3
    variance = sum((v - mean) ** 2 for v in values) / 2
    assert standard_error(values) == pytest.approx(math.sqrt(variance / 3))
    assert math.isnan(standard_error([1.0]))
    assert math.isnan(standard_error([]))


def test_gains_are_paired_by_domain_and_seed() -> None:
    rows = {row.name: row for row in make_rows(RESULTS)}
    gains = [3.0, 3.0, 5.0, 1.0]
    assert rows["dropout 0.9"].gain == pytest.approx(3.0)
    assert rows["dropout 0.9"].gain_error == pytest.approx(standard_error(gains))
    assert rows["dropout 0.9"].ood == pytest.approx(64.0)
    # Unpaired, the difference between the domains would drown the gain.
    assert rows["dropout 0.9"].ood_error > 3 * rows["dropout 0.9"].gain_error


def test_methods_over_runs_are_paired_with_the_mean_of_erm() -> None:
    over = replace(RESULTS[0], method="ensemble over runs", rate=0.9, seed=-1, ood=0.60)
    rows = {row.name: row for row in make_rows([*RESULTS, over])}
    assert rows["dropout 0.9, ensemble over runs"].gain == pytest.approx(100 * (0.60 - 0.51))


def test_without_erm_there_is_no_gain() -> None:
    rows = make_rows([result for result in RESULTS if result.rate])
    assert math.isnan(rows[0].gain)
    assert text_cells(rows[0])[3] == "-"


@pytest.mark.parametrize(
    ("value", "error", "signed", "expected"),
    [
        (61.234, 0.44, False, "61.2 ± 0.4"),
        (61.234, math.nan, False, "61.2"),
        (3.0, 0.5, True, "+3.0 ± 0.5"),
        (-3.0, 0.5, True, "-3.0 ± 0.5"),
        (math.nan, 0.5, True, "-"),
    ],
)
def test_cells(value: float, error: float, signed: bool, expected: str) -> None:
    assert with_error(value, error, signed=signed) == expected


def test_names_and_order() -> None:
    assert method_name("run", 0.0) == "ERM"
    assert method_name("run", 0.95) == "dropout 0.95"
    assert method_name("trajectory average", 0.5) == "dropout 0.5, trajectory average"
    shuffled = [replace(RESULTS[4], method="average over runs"), *reversed(RESULTS)]
    assert [row.name for row in make_rows(shuffled)] == [
        "ERM", "dropout 0.9", "dropout 0.9, average over runs",
    ]  # fmt: skip


def test_csv_keeps_full_precision() -> None:
    rows = make_rows([replace(result, ood=1 / 3) for result in RESULTS])
    found = list(csv.DictReader(csv_text(rows).splitlines()))
    assert float(found[0]["ood"]) == rows[0].ood == pytest.approx(100 / 3)
    assert found[0]["count"] == "4"


def test_terminal_table_has_a_row_for_each_method() -> None:
    assert rich_table(make_rows(RESULTS), "x").row_count == 2


def test_each_run_gives_three_results_selected_by_iid() -> None:
    results = {result.method: result for result in single_run_results(make_run())}
    assert set(results) == {"run", "trajectory ensemble", "trajectory average"}
    assert (results["run"].step, results["run"].ood) == (200, pytest.approx(0.6))
    assert results["trajectory average"].step == 200
    assert results["trajectory ensemble"].networks in {1, 2, 3}
    assert results["run"].train_seconds == 12.0


def test_a_run_without_an_average_gives_two() -> None:
    methods = [result.method for result in single_run_results(make_run(average=False))]
    assert methods == ["run", "trajectory ensemble"]


def test_groups_are_of_equal_rate_and_domain() -> None:
    runs = [make_run(0.0, 0), make_run(0.0, 1), make_run(0.9, 0)]
    groups = groups_over_seeds(runs)
    assert [[run.seed for run in group] for group in groups] == [[0, 1]]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.scatter(RESULTS),
        lambda: figures.rate_curve(RESULTS),
        lambda: figures.domain_bars(RESULTS),
        lambda: comparison_figures.cost_panels(make_rows(RESULTS)),
        lambda: comparison_figures.method_bars(make_rows(RESULTS)),
        lambda: figures.learning_curves([make_run(0.0), make_run(0.9)]),
    ],
    ids=["scatter", "rate_curve", "domain_bars", "cost_panels", "method_bars", "learning_curves"],
)
def test_figures_are_pngs_of_a_readable_size(draw: Any) -> None:
    png = draw()
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width > 600
    assert height > 400


def test_colours_are_the_same_in_every_figure() -> None:
    rates = [0.0, 0.5, 0.9]
    assert len({figures.colour_of(rate, rates) for rate in rates}) == 3
    assert figures.colour_of(0.9, rates) == figures.colour_of(0.9, list(reversed(rates)))


def test_examples_are_random_test_pictures_with_every_answer() -> None:
    runs = [make_run(0.0), make_run(0.9), make_run(0.9, seed=1)]
    found = examples(runs, count=5)
    assert len(found) == 5
    assert found == examples(runs, count=5)
    assert found != examples(runs, count=5, seed=1)
    for example in found:
        assert [method for method, _, _ in example.answers] == ["ERM", "dropout 0.9"]
        assert example.png == b"", "absent pictures do not stop a report"
        for _, answer, right in example.answers:
            assert right == (answer == example.truth)


def test_examples_come_from_the_test_domain_at_the_selected_step() -> None:
    run = make_run(0.0)
    table = run.table
    chosen = examples([run], count=1000)
    assert len(chosen) == int((table.domain == 1).sum())
    answers = run.logits[200]["current"].argmax(1)[table.domain == 1]
    hits = float(np.mean(answers == table.label[table.domain == 1]))
    assert np.mean([example.answers[0][2] for example in chosen]) == pytest.approx(hits)
