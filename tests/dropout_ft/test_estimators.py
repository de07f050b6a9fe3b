"""Estimates without labels: against slow references, where they are exact, and their interval."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm

from dropout_ft.report.estimate_page import check_cells, estimate_cells, others, sentence
from dropout_ft.report.estimating import (
    ESTIMATORS,
    LINE,
    Evidence,
    estimates_of,
    evidence_of,
    label_first,
    labels_of,
    surest_estimator,
)
from dropout_ft.results.estimators import (
    agreement_on_the_line,
    average_thresholded_confidence,
    difference_of_confidences,
    half_width,
)
from dropout_ft.results.scores import softmax
from tables_support import make_run

Drawn = tuple[np.ndarray, np.ndarray]


def drawn(seed: int, count: int = 4000, spread: float = 2.0) -> Drawn:
    """Probabilities, and labels drawn from them: answers that are calibrated."""
    generator = np.random.default_rng(seed)
    logits = spread * generator.normal(size=(count, 4))
    label = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return softmax(logits), label


def accuracy(answers: np.ndarray, label: np.ndarray) -> float:
    return float((answers.argmax(axis=1) == label).mean())


@pytest.mark.parametrize("spread", [0.8, 2.0, 4.0])
def test_calibrated_answers_are_estimated_rightly_wherever_the_shift_goes(spread: float) -> None:
    """Where confidence means what it says at both places, the difference of confidences is it."""
    iid, label = drawn(0, spread=2.0)
    site, truth = drawn(1, spread=spread)
    found = difference_of_confidences(iid, label, site)
    assert found == pytest.approx(accuracy(site, truth), abs=0.025)


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_against_a_slow_search(seed: int) -> None:
    iid, label = drawn(seed, 97)
    site, _ = drawn(seed + 10, 61)
    error = 1 - accuracy(iid, label)
    scores = iid.max(axis=1)
    fits = [t for t in scores if (scores < t).mean() == pytest.approx(error)]
    assert len(fits) == 1
    expected = sum(row.max() >= fits[0] for row in site) / len(site)
    assert average_thresholded_confidence(iid, label, site) == pytest.approx(expected)


@pytest.mark.parametrize("estimator", [difference_of_confidences, average_thresholded_confidence])
def test_without_a_shift_the_estimate_is_the_accuracy(estimator: object) -> None:
    iid, label = drawn(3, 500)
    assert estimator(iid, label, iid) == pytest.approx(accuracy(iid, label))  # type: ignore[operator]


def test_a_network_that_is_always_wrong_or_right() -> None:
    iid, _ = drawn(0, 50)
    right, wrong = iid.argmax(axis=1), iid.argmin(axis=1)
    assert average_thresholded_confidence(iid, wrong, iid) == 0
    assert average_thresholded_confidence(iid, right, iid) == 1
    assert 0 <= difference_of_confidences(iid, wrong, iid) <= 1


def models(count: int, noise: float, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Several models that see one truth through noise of their own, each more than the last."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 4, 3000)
    found = []
    for number in range(count):
        own = generator.normal(size=(3000, 4)) * (noise + 0.15 * number)
        found.append(softmax(np.eye(4)[label] + own))
    return found, label


def test_agreement_on_the_line_against_a_slow_fit() -> None:
    iid, label = models(4, 0.5)
    site, _ = models(4, 1.0, seed=1)
    x, y = [], []
    for a, b in combinations(range(4), 2):
        x.append(norm.ppf(np.mean(iid[a].argmax(1) == iid[b].argmax(1))))
        y.append(norm.ppf(np.mean(site[a].argmax(1) == site[b].argmax(1))))
    mx, my = sum(x) / 6, sum(y) / 6
    slope = sum((u - mx) * (v - my) for u, v in zip(x, y, strict=True))
    slope /= sum((u - mx) ** 2 for u in x)
    found = agreement_on_the_line(iid, label, site)
    for one, value in zip(iid, found, strict=True):
        expected = norm.cdf(my + slope * (norm.ppf(accuracy(one, label)) - mx))
        assert value == pytest.approx(expected, abs=1e-9)


def test_the_line_finds_accuracies_of_models_that_err_independently() -> None:
    iid, label = models(5, 0.5)
    site, truth = models(5, 0.8, seed=1)
    for one, estimate in zip(site, agreement_on_the_line(iid, label, site), strict=True):
        assert estimate == pytest.approx(accuracy(one, truth), abs=0.12)


def test_there_is_no_line_with_two_models_or_with_equal_ones() -> None:
    iid, label = models(2, 0.5)
    assert np.isnan(agreement_on_the_line(iid, label, iid)).all()
    assert np.isnan(agreement_on_the_line([iid[0]] * 4, label, [iid[1]] * 4)).all()


def test_the_interval_holds_a_new_sites_error_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    for count in (1, 2, 4):
        draws = generator.normal(0, 5, (4000, count + 1))
        held = [abs(row[-1]) <= half_width(list(row[:-1])) for row in draws]
        assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def evidence(
    name: str, test_name: str, seed: int, *, count: int = 300, split: str = ""
) -> Evidence:
    iid, label = drawn(0, count)
    mine = softmax(np.log(iid) + 0.5 * np.random.default_rng(seed).normal(size=iid.shape))
    left_out, truth = drawn(seed, 300, spread=1.0)
    return Evidence(
        name=name, test_name=test_name, pictures=(test_name, split), iid=mine, label=label,
        left_out=left_out, truth=accuracy(left_out, truth),
        site=drawn(99, 200, spread=1.0 + 0.1 * seed)[0],
    )  # fmt: skip


def test_estimates_are_means_over_runs_with_an_error_for_each_domain() -> None:
    found = [evidence(name, domain, seed) for seed, (name, domain) in enumerate(
        (name, domain) for name in ("ERM", "dropout 0.9") for domain in "aabb")]  # fmt: skip
    estimates, checks = estimates_of(found)
    assert [(one.name, one.estimator) for one in estimates] == [
        (name, estimator) for name in ("ERM", "dropout 0.9") for estimator in ESTIMATORS
    ]
    assert len(checks) == 2 * 3 * 2
    own = [c for c in checks if c.name == "ERM" and c.estimator == "ATC"]
    values = [average_thresholded_confidence(one.iid, one.label, one.left_out) for one in found[:2]]
    assert own[0].estimate == pytest.approx(100 * np.mean(values))
    assert own[0].truth == pytest.approx(100 * np.mean([one.truth for one in found[:2]]))
    one = next(e for e in estimates if e.name == "ERM" and e.estimator == "ATC")
    assert one.typical_error == pytest.approx(np.sqrt(np.mean([c.error**2 for c in own])))
    assert (one.runs, one.domains) == (4, 2)
    assert 0 <= one.low <= one.value <= one.high <= 100
    line = next(e for e in estimates if e.estimator == LINE)
    assert np.isfinite(line.value), "runs of both rates on one domain are peers"
    best = surest_estimator(estimates)
    assert best.typical_error == min(e.typical_error for e in estimates)
    assert best.estimator in sentence(best)
    # The model in use need not be the one of the first sentence: its own estimate is said too.
    (other,) = others(estimates, best)
    assert other.startswith("ERM: about" if best.name != "ERM" else "dropout 0.9: about")
    assert all(len(estimate_cells(e)) == 6 for e in estimates)
    assert all(len(check_cells(c)) == 6 for c in checks)


def test_runs_of_other_parts_of_a_domain_are_no_peers() -> None:
    """Runs of two holdout fractions ended in a traceback; two splits shared one line silently."""
    few, many = (
        [evidence("ERM", "a", seed, count=count, split=str(count)) for seed in range(3)]
        for count in (300, 200)
    )
    together = estimates_of([*few, *many])[1]
    apart = [estimates_of(own)[1] for own in (few, many)]
    values = [next(c for c in own if c.estimator == LINE).estimate for own in (together, *apart)]
    assert np.isfinite(values).all()
    assert values[0] == pytest.approx(np.mean(values[1:]))


def test_evidence_says_which_pictures_it_is_of() -> None:
    site = np.zeros((7, 4))
    run = make_run()
    parts = replace(run.table, held_out=~run.table.held_out)
    runs = [run, make_run(seed=1), make_run(data="other"), replace(run, table=parts)]
    found = [evidence_of(one, 200, site, labels_of(runs)).pictures for one in runs]
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_an_estimator_without_an_answer_is_a_dash() -> None:
    estimates, checks = estimates_of([evidence("ERM", "a", 1)])
    line = next(one for one in estimates if one.estimator == LINE)
    assert estimate_cells(line)[2:5] == ["-", "-", "-"]
    assert check_cells(next(c for c in checks if c.estimator == LINE))[3] == "-"
    assert surest_estimator(estimates).estimator != LINE


def test_what_the_models_contradict_each_other_on_is_labelled_first() -> None:
    """Picture 0: sure and agreed; 1: unsure; 2: sure, and each of another opinion."""
    sure, other = [0.98, 0.01, 0.01], [0.01, 0.98, 0.01]
    base = evidence("ERM", "a", 0)
    runs = [
        Evidence(**{**vars(base), "site": np.array([sure, [0.7, 0.2, 0.1], third])})
        for third in (sure, other)
    ]
    assert label_first(runs) == [1, 2, 0]
    assert label_first(runs, 1) == [1]


def test_evidence_is_read_from_the_saved_logits() -> None:
    run = make_run()
    site = np.random.default_rng(5).normal(size=(7, 4))
    found = evidence_of(run, 200, site, labels_of([run]))
    shifted = evidence_of(run, 200, site + 3.0, labels_of([run]))
    np.testing.assert_allclose(found.site, shifted.site)
    logits = run.logits[200]["current"][run.table.of_test]
    assert found.truth == pytest.approx(accuracy(logits, run.table.label[run.table.of_test]))
    assert found.name == "dropout 0.9"
    assert found.site.shape == (7, 4)
