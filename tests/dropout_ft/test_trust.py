"""Calibration, temperature scaling and abstention against slow, obvious references."""

import csv

import numpy as np
import pytest

from dropout_ft.report.results import Collection, collect
from dropout_ft.report.trust import (
    TRUST_HEADER,
    coverage_curves,
    measured,
    trust_cells,
    trust_csv,
    trust_rows,
)
from dropout_ft.results.trust import (
    BINS,
    COVERAGES,
    accuracy_of_surest,
    fit_temperature,
    measure,
    negative_log_likelihood,
    trust,
)
from tables_support import make_logits, make_run, make_table


def calibrated(count: int = 20_000, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels drawn from the very probabilities that the logits say."""
    generator = np.random.default_rng(0)
    logits = 2 * generator.normal(size=(count, classes))
    noise = generator.gumbel(size=logits.shape)
    return logits, (logits + noise).argmax(axis=1)


def slow_measures(logits: np.ndarray, label: np.ndarray) -> tuple[float, float, float]:
    """ECE, Brier score and NLL, picture by picture."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    brier = nll = 0.0
    for row, truth in zip(logits.astype(np.float64), label, strict=True):
        exponents = [np.exp(value) for value in row]
        probabilities = [value / sum(exponents) for value in exponents]
        best = max(range(len(row)), key=probabilities.__getitem__)
        place = min(BINS - 1, int(np.ceil(probabilities[best] * BINS)) - 1)
        bins[place].append((probabilities[best], best == truth))
        brier += sum((p - (c == truth)) ** 2 for c, p in enumerate(probabilities))
        nll -= np.log(probabilities[truth])
    ece = sum(abs(sum(p for p, _ in one) - sum(right for _, right in one)) for one in bins if one)
    return ece / len(label), brier / len(label), nll / len(label)


@pytest.mark.parametrize("seed", range(3))
def test_measures_equal_the_slow_count(seed: int) -> None:
    table = make_table(count=80, seed=seed)
    logits = make_logits(table, seed)
    found = measure(logits, table.label)
    ece, brier, nll = slow_measures(logits, table.label)
    assert found.ece == pytest.approx(ece, abs=1e-6)
    assert found.brier == pytest.approx(brier)
    assert found.nll == pytest.approx(nll)
    assert found.count == 80


def test_calibrated_answers_need_no_temperature() -> None:
    logits, label = calibrated()
    assert fit_temperature(logits, label) == pytest.approx(1, abs=0.03)
    assert measure(logits, label).ece < 0.015


@pytest.mark.parametrize("factor", [0.25, 3.0])
def test_scaling_finds_the_factor_and_mends_the_calibration(factor: float) -> None:
    logits, label = calibrated()
    found = fit_temperature(factor * logits, label)
    assert found == pytest.approx(factor, rel=0.03)
    before, after = measure(factor * logits, label), measure(factor * logits, label, found)
    assert after.ece < 0.015
    assert before.ece > 0.1
    assert after.nll < before.nll
    assert after.accuracy == before.accuracy, "scaling changes no answer"
    assert after.covered[-1] == before.covered[-1]


def test_the_temperature_is_the_least_on_a_grid() -> None:
    logits, label = calibrated(200)
    best = negative_log_likelihood(logits, label, fit_temperature(logits, label))
    grid = np.exp(np.linspace(np.log(0.01), np.log(100), 400))
    assert best <= min(negative_log_likelihood(logits, label, t) for t in grid) + 1e-9


def test_a_perfect_and_a_hopeless_network_stay_within_bounds() -> None:
    """The likelihood of answers that are all right grows without end as they get surer."""
    label = np.array([0, 1, 2, 1])
    right = np.eye(3)[label]
    assert 0.0099 < fit_temperature(right, label) < 0.1
    assert fit_temperature(-right, label) > 50
    assert measure(right, label, 0.01).ece == pytest.approx(0, abs=1e-6)


def test_the_surest_pictures_by_hand() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    right = np.array([True, True, False, False])
    found = dict(zip(COVERAGES, accuracy_of_surest(confidence, right), strict=True))
    assert found[0.25] == found[0.5] == 1
    assert found[0.75] == pytest.approx(2 / 3)
    assert found[1.0] == 0.5


def test_equally_sure_pictures_have_no_order() -> None:
    generator = np.random.default_rng(0)
    confidence = generator.choice([0.5, 0.7, 0.9], 40)
    right = generator.random(40) < 0.6
    expected = accuracy_of_surest(confidence, right)
    for _ in range(5):
        order = generator.permutation(40)
        assert accuracy_of_surest(confidence[order], right[order]) == pytest.approx(expected)
    flat = accuracy_of_surest(np.ones(40), right)
    assert flat == pytest.approx([right.mean()] * len(COVERAGES))


def test_the_temperature_never_sees_the_domain_left_out() -> None:
    table = make_table(count=90)
    logits = make_logits(table, 0)
    other = np.where(table.of_test[:, None], -5 * logits, logits)
    first, second = trust(logits, table), trust(other, table)
    assert first.temperature == second.temperature
    assert first.iid_scaled == second.iid_scaled
    assert first.ood != second.ood
    assert first.iid.count + first.ood.count < len(table), "the in part of training is not scored"


def test_rows_are_means_over_runs_of_one_rate() -> None:
    runs = [make_run(seed=seed, dropout_rate=rate) for seed in range(3) for rate in (0.0, 0.9)]
    collection = Collection(runs=runs)
    for run in runs:
        collection.results += collect([run]).results
    found = measured(collection)
    rows = trust_rows(found)
    assert [(row.name, row.part, row.count) for row in rows] == [
        ("ERM", "i.i.d.", 3), ("ERM", "o.o.d.", 3),
        ("dropout 0.9", "i.i.d.", 3), ("dropout 0.9", "o.o.d.", 3),
    ]  # fmt: skip
    single = [trust(run.logits[200]["current"], run.table) for run in runs[::2]]
    assert rows[1].ece == pytest.approx(100 * np.mean([one.ood.ece for one in single]))
    assert all(len(trust_cells(row)) == len(TRUST_HEADER) for row in rows)
    table = list(csv.DictReader(trust_csv(rows).splitlines()))
    assert float(table[1]["accuracy_of_surest_0.5"]) == pytest.approx(rows[1].covered[9])
    assert coverage_curves(rows, found).startswith(b"\x89PNG")


def test_runs_whose_test_pictures_were_left_out_are_left_out() -> None:
    found = collect([make_run()])
    assert measured(found)
    run = make_run()
    run.logits[200]["current"][run.table.of_test] = np.nan
    found.runs = [run]
    assert not measured(found)
