"""Intervals and paired tests: against brute force, coverage, and symmetries."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vl_track.scoring.uncertainty import bootstrap, compare

VALUES = st.lists(st.integers(-20, 20), min_size=1, max_size=9)


@given(VALUES)
def test_the_exact_p_value_is_a_count_of_sign_patterns(gaps: list[int]) -> None:
    patterns = itertools.product((1, -1), repeat=len(gaps))
    sums = [abs(sum(s * g for s, g in zip(signs, gaps, strict=True))) for signs in patterns]
    expected = np.mean([total >= abs(sum(gaps)) for total in sums])
    found = compare(np.array(gaps, float), np.zeros(len(gaps)), samples=200)
    assert found.p_value == pytest.approx(expected)
    assert found.better == sum(g > 0 for g in gaps)
    assert found.worse == sum(g < 0 for g in gaps)


@given(VALUES, st.integers(-5, 5))
def test_comparison_is_antisymmetric(values: list[int], shift: int) -> None:
    one = np.array(values, float)
    other = one[::-1] + shift
    forth, back = compare(one, other, samples=200), compare(other, one, samples=200)
    assert forth.p_value == pytest.approx(back.p_value)
    assert forth.difference.mean == pytest.approx(-back.difference.mean)
    assert (forth.better, forth.worse) == (back.worse, back.better)


def test_drawn_and_exact_p_values_agree() -> None:
    generator = np.random.default_rng(3)
    gaps = generator.normal(0.4, 1, 14)
    exact = compare(gaps, np.zeros(14)).p_value
    doubled = compare(np.append(gaps, 0.0), np.zeros(15)).p_value  # 15: patterns are drawn
    assert doubled == pytest.approx(exact, abs=0.02)


def test_a_p_value_is_never_zero_and_equal_trackers_are_not_different() -> None:
    same = np.linspace(10, 90, 50)
    assert compare(same, same).p_value == 1.0
    clear = compare(same + 5, same)
    assert 0 < clear.p_value < 0.001
    assert clear.difference.low == pytest.approx(5)


def test_intervals_cover_the_true_mean_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    hits = 0
    for seed in range(200):
        found = bootstrap(generator.normal(3, 2, 60), samples=400, seed=seed)
        hits += found.low <= 3 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_an_interval_is_that_of_sorted_resampled_means() -> None:
    values = np.array([1.0, 2.0, 4.0])
    found = bootstrap(values, samples=20_000)
    means = sorted(np.mean(drawn) for drawn in itertools.product(values, repeat=3))
    low, high = np.percentile(means, [2.5, 97.5], method="inverted_cdf")
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.mean == pytest.approx(7 / 3)
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    assert bootstrap(np.array([5.0])).low == 5


def test_nothing_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="no sequences"):
        bootstrap(np.zeros(0))
    with pytest.raises(ValueError, match="same sequences"):
        compare(np.zeros(3), np.zeros(4))
