"""Table, figures and page, on results written by hand."""

import csv
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_ft.methods.weight_average import AverageOverRuns
from dropout_ft.report import comparison_figures, figures
from dropout_ft.report.examples import examples
from dropout_ft.report.names import method_name
from dropout_ft.report.page import without_folders
from dropout_ft.report.results import Collection, collect
from dropout_ft.report.table import (
    csv_text,
    half_interval,
    make_rows,
    rich_table,
    standard_error,
    text_cells,
    with_error,
)
from dropout_ft.report.tidy import COLUMNS, tidy, write_tidy
from dropout_ft.results.coordinates import labels
from tables_support import make_result, make_run

RESULTS = [
    make_result("run", dropout_rate, ood, seed=seed, left_out=(name,))
    for dropout_rate, name, seed, ood in [
        (0.0, "a", 0, 0.50), (0.0, "a", 1, 0.52), (0.0, "b", 0, 0.70), (0.0, "b", 1, 0.72),
        (0.9, "a", 0, 0.53), (0.9, "a", 1, 0.55), (0.9, "b", 0, 0.75), (0.9, "b", 1, 0.73),
    ]
]  # fmt: skip


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


def test_interval_of_a_gain_accounts_for_few_results() -> None:
    """The demo's +4.6 ± 0.1 was the standard error of two results; another CPU printed +3.7 ± 0.8.

    Two results that agree by chance made an error that neither machine nor seed could keep.
    """
    assert half_interval([4.5, 4.7]) == pytest.approx(12.706 * 0.1, rel=1e-3)
    assert half_interval([1.0, 2.0, 3.0]) == pytest.approx(4.303 * math.sqrt(1 / 3), rel=1e-3)
    assert math.isnan(half_interval([1.0]))
    row = {row.name: row for row in make_rows(RESULTS)}["dropout 0.9"]
    assert row.gain_interval == pytest.approx(3.182 * row.gain_error, rel=1e-3)
    assert text_cells(row)[3] == f"+3.0 ± {row.gain_interval:.1f}"


def test_interval_holds_the_true_gain_as_often_as_it_says() -> None:
    """Over many draws of a few results; two standard errors would hold it far less often."""
    generator = np.random.default_rng(0)
    for count in (2, 3, 5):
        draws = generator.normal(2.0, 1.5, (2000, count))
        held = [abs(draw.mean() - 2.0) <= half_interval(list(draw)) for draw in draws]
        assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_methods_over_runs_are_paired_with_the_mean_of_erm() -> None:
    over = make_result("ensemble over runs", 0.9, 0.60, seed=-1, left_out=("a",))
    rows = {row.name: row for row in make_rows([*RESULTS, over])}
    assert rows["dropout 0.9, ensemble over runs"].gain == pytest.approx(100 * (0.60 - 0.51))


def test_without_erm_there_is_no_gain() -> None:
    rows = make_rows([result for result in RESULTS if result.dropout_rate])
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


def test_a_name_that_looks_like_a_formula_is_text_in_a_spreadsheet() -> None:
    """It was written as it is: some programs would have run it."""
    rows = [replace(row, label="=cmd|calc!A0") for row in make_rows(RESULTS)]
    found = list(csv.DictReader(csv_text(rows).splitlines()))
    assert {row["label"] for row in found} == {"'=cmd|calc!A0"}


def test_terminal_table_has_a_row_for_each_method() -> None:
    assert rich_table(make_rows(RESULTS), "x").row_count == 2


def test_each_run_gives_three_results_selected_by_iid() -> None:
    results = {result.method: result for result in collect([make_run()]).results}
    assert set(results) == {"run", "trajectory ensemble", "trajectory average"}
    assert (results["run"].step, results["run"].ood) == (200, pytest.approx(0.6))
    assert results["trajectory average"].step == 200
    assert results["trajectory ensemble"].networks in {1, 2, 3}
    assert results["run"].train_seconds == 12.0


def test_a_run_without_an_average_gives_two() -> None:
    methods = [result.method for result in collect([make_run(average=False)]).results]
    assert methods == ["run", "trajectory ensemble"]


def test_the_tidy_table_has_every_accuracy_of_every_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AverageOverRuns, "able", lambda *_: False)  # there are no weights
    runs = [
        make_run(dropout_rate=dropout_rate, seed=seed)
        for dropout_rate in (0.0, 0.9)
        for seed in (0, 1)
    ]
    collection = collect(runs)
    frame = tidy(collection)
    assert list(frame.columns) == list(COLUMNS)
    # Scores of made-up rows have no single domains; those of ensembles are computed from logits.
    ensemble = frame[frame["method"] == "ensemble over runs"]
    assert len(ensemble) == 2 * 4  # two rates; a_out, b_in, b_out, c_out
    assert set(ensemble["part"]) == {"train_out", "test_in", "test_out"}
    assert ensemble["accuracy"].between(0, 1).all()
    along = frame[(frame["method"] == "trajectory ensemble") & (frame["seed"] == 1)]
    assert sorted(set(along["step"])) == [100, 200, 300]
    assert along.groupby(["dropout_rate", "domain", "part"])["selected"].sum().eq(1).all()
    csv_path, parquet = write_tidy(collection, tmp_path)
    again = pd.read_csv(csv_path, keep_default_na=False)
    assert len(again) == len(pd.read_parquet(parquet)) == len(frame)
    assert again["accuracy"].tolist() == frame["accuracy"].tolist()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.scatter(RESULTS),
        lambda: figures.rate_curve(RESULTS),
        lambda: figures.domain_bars(RESULTS),
        lambda: comparison_figures.cost_panels(make_rows(RESULTS)),
        lambda: comparison_figures.method_bars(make_rows(RESULTS)),
        lambda: figures.learning_curves(Collection(runs=[make_run(dropout_rate=0.0), make_run()])),
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
    assert len({figures.colour_of(dropout_rate, rates) for dropout_rate in rates}) == 3
    assert figures.colour_of(0.9, rates) == figures.colour_of(0.9, list(reversed(rates)))


def test_examples_are_random_test_pictures_with_every_answer() -> None:
    runs = Collection(runs=[make_run(dropout_rate=0.0), make_run(), make_run(seed=1)])
    found = examples(runs, count=5)
    assert len(found) == 5
    assert found == examples(runs, count=5)
    assert found != examples(runs, count=5, seed=1)
    for example in found:
        assert [method for method, _, _ in example.answers] == ["ERM", "dropout 0.9"]
        assert example.png == b"", "absent pictures do not stop a report"
        for _, answer, right in example.answers:
            assert right == (answer == example.truth)


def test_examples_name_the_objective_and_are_of_one() -> None:
    """The runs of MIRO were called ERM, and stood beside ERM's."""
    miro = [make_run(dropout_rate=rate, objective="MIRO", method="m") for rate in (0.0, 0.9)]
    runs = [*miro, make_run(dropout_rate=0.5)]
    names = labels([run.coordinates for run in runs])
    found = examples(Collection(runs=runs, labels=names), count=1)
    assert [name for name, _, _ in found[0].answers] == ["MIRO", "dropout 0.9, MIRO"]


def test_examples_come_from_the_test_domain_at_the_selected_step() -> None:
    run = make_run(dropout_rate=0.0)
    table = run.table
    chosen = examples(Collection(runs=[run]), count=1000)
    assert len(chosen) == int((table.domain == 1).sum())
    answers = run.logits[200]["current"].argmax(1)[table.domain == 1]
    hits = float(np.mean(answers == table.label[table.domain == 1]))
    assert np.mean([example.answers[0][2] for example in chosen]) == pytest.approx(hits)


def test_the_page_shows_no_path_of_the_users_disk() -> None:
    """The folded settings named the data's folder from the root of the disk on."""
    settings = {"source": "/home/ann/pictures", "root": {"of": ["/a/b", 3, "c/d"]}}
    assert without_folders(settings) == {"source": "pictures", "root": {"of": ["b", 3, "c/d"]}}
