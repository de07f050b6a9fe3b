"""Every convention against the slow, independent reading of its rules, on random sequences."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slow_toolkits as slow
from vl_track.data.truth import TrueSequence
from vl_track.scoring.conventions import Name, convention
from vl_track.scoring.scores import score

Row = tuple[float, float, float, float]
PLACE, SIDE = st.integers(0, 40), st.integers(0, 30)
TRUE = st.tuples(PLACE, PLACE, SIDE, SIDE)
GUESS = st.tuples(st.integers(-5, 45), st.integers(-5, 45), SIDE, SIDE)


@st.composite
def sequences(draw: st.DrawFn) -> tuple[list[Row], list[Row], list[bool]]:
    """(truth, prediction, visible): boxes of whole numbers, some empty, some at the border."""
    count = draw(st.integers(1, 12))
    truth = draw(st.lists(TRUE, min_size=count, max_size=count))
    truth[0] = (*truth[0][:2], truth[0][2] + 1, truth[0][3] + 1)
    close = draw(st.booleans())
    if close:
        shift = draw(st.integers(0, 4))
        guess = [(x + shift, y, max(w, 1), max(h, 1)) for x, y, w, h in truth]
    else:
        guess = draw(st.lists(GUESS, min_size=count, max_size=count))
    visible = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return truth, guess, visible


Sequences = list[tuple[list[Row], list[Row], list[bool]]]


def ours(given: Sequences, name: Name, label: str) -> slow.SlowScores:
    truths = [
        TrueSequence(name=str(k), boxes=np.array(truth, float), visible=np.array(visible))
        for k, (truth, _, visible) in enumerate(given)
    ]
    guesses = {str(k): np.array(guess, float) for k, (_, guess, _) in enumerate(given)}
    found = score(truths, guesses, convention(name, label)).figures()
    return slow.SlowScores(
        auc=found["auc"],
        op50=found["op50"],
        precision=found["precision"],
        at=found["normalised_at"],
        mean=found["normalised_mean"],
    )


def agree(one: slow.SlowScores, other: slow.SlowScores) -> None:
    for key, value in vars(one).items():
        assert value == pytest.approx(getattr(other, key), abs=1e-9), key


@settings(max_examples=120)
@given(st.lists(sequences(), min_size=1, max_size=3), st.sampled_from(["lasot", "tnl2k", "uav"]))
def test_starks_family_and_pytracking(given_: Sequences, label: str) -> None:
    for name, all_four in (("stark", False), ("pytracking", True)):
        rows = [
            slow.family(list(guess), truth, visible, label=label, all_four=all_four)
            for truth, guess, visible in given_
        ]
        agree(ours(given_, name, label), slow.over_sequences(rows))  # type: ignore[arg-type]


@settings(max_examples=120)
@given(st.lists(sequences(), min_size=1, max_size=3), st.booleans())
def test_matlab(given_: Sequences, damaged: bool) -> None:
    if damaged:
        truth, guess, visible = given_[0]
        bad = [
            guess[0],
            *((math.nan, 1, 2, 3) if k % 2 else (1, 1, -2, 3) for k in range(1, len(guess))),
        ]
        given_ = [(truth, bad, visible), *given_[1:]]
    rows = [slow.matlab(list(guess), truth, visible) for truth, guess, visible in given_]
    agree(ours(given_, "matlab", "lasot"), slow.over_sequences(rows, skip_zero=True))


@settings(max_examples=120)
@given(st.lists(sequences(), min_size=1, max_size=3))
def test_got10k_and_mmot(given_: Sequences) -> None:
    plain = [slow.got10k(list(guess), truth) for truth, guess, _ in given_]
    agree(ours(given_, "got10k", "lasot"), slow.over_sequences(plain))
    tiny = [slow.got10k(list(guess), truth, tiny=True) for truth, guess, _ in given_]
    agree(ours(given_, "mmot", "lasot"), slow.over_sequences(tiny))


def test_the_slow_reading_gives_the_six_frame_numbers_too() -> None:
    from toolkit_support import SIX_PREDICTED, SIX_TRUE, SIX_VISIBLE

    truth: list[Row] = [tuple(map(float, box)) for box in SIX_TRUE]  # type: ignore[misc]
    guess: list[Row] = [tuple(map(float, box)) for box in SIX_PREDICTED]  # type: ignore[misc]
    found = slow.over_sequences(
        [slow.family(guess, truth, SIX_VISIBLE, label="lasot", all_four=False)]
    )
    assert round(found.auc, 6) == 42.063492
    assert (found.precision, found.at) == (50, 50)
    found = slow.over_sequences([slow.matlab(guess, truth, SIX_VISIBLE)])
    assert round(found.auc, 6) == 29.365079
