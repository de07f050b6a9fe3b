"""Fitting how probable it is that a place elsewhere in the frame shows the object."""

import numpy as np
import pytest

from tracking_support import FindsRed, frame_with
from vl_track.scoring.logistic import logistic
from vl_track.scoring.searching import Places, fit_places, places_of
from vl_track.tracking import Tracker, TrackerOptions
from vl_track.tracking.evidence import PLACE

SIZE = (480, 360)
HOME, AWAY = (20.0, 20.0, 24.0, 20.0), (420.0, 300.0, 24.0, 20.0)


def test_a_search_says_of_each_window_whether_it_shows_the_object() -> None:
    tracker = Tracker(FindsRed(), TrackerOptions(alarm=0.0))
    tracker.initialize(frame_with(HOME, SIZE), HOME)
    tracker.track(frame_with(HOME, SIZE))
    box, frame = tracker.track(frame_with(HOME, SIZE)).box, frame_with(AWAY, SIZE)
    found = places_of(tracker, frame, AWAY)
    assert found.numbers.shape == (len(found.right), len(PLACE))
    assert 1 <= found.right.sum() < len(found.right)
    alike = found.numbers[:, PLACE.index("colour")]
    assert alike[found.right].min() > alike[~found.right].max()
    assert not places_of(tracker, frame, None).right.any(), "it is said to be out of view"
    assert tracker.track(frame_with(HOME, SIZE)).box == box, "the tracker stayed as it was"


def test_a_fit_tells_places_apart_by_what_differs() -> None:
    generator = np.random.default_rng(0)
    right = generator.uniform(size=400) < 0.3
    numbers = generator.normal(0, 1, (400, 3))
    numbers[:, 2] = 0.4 + 0.4 * right + 0.05 * numbers[:, 2]
    fitted = fit_places([Places(numbers[:200], right[:200]), Places(numbers[200:], right[200:])])
    assert set(fitted) == {*PLACE, "bias"}
    logits = numbers @ [fitted[name] for name in PLACE] + fitted["bias"]
    assert ((logits > 0) == right).mean() > 0.97
    assert abs(fitted["score"]) < 0.3 * fitted["colour"]


@pytest.mark.parametrize("right", [[], [True, True], [False, False]])
def test_without_both_kinds_of_places_nothing_is_fitted(right: list[bool]) -> None:
    one = Places(np.zeros((len(right), 3)), np.array(right, bool))
    assert fit_places([one] if right else []) == {}


def test_a_logistic_model_does_not_depend_on_the_units_of_its_numbers() -> None:
    generator = np.random.default_rng(1)
    numbers = generator.normal(0, 1, (300, 2))
    truth = generator.uniform(size=300) < 1 / (1 + np.exp(-2 * numbers[:, 0] + 1))
    weights, bias = logistic(numbers, truth, 1e-4)
    assert weights[0] == pytest.approx(2, abs=0.5)
    assert abs(weights[1]) < 0.5
    scaled, shifted = logistic(numbers * [100, 1] + [7, 0], truth, 1e-4)
    assert scaled[0] * 100 == pytest.approx(weights[0], rel=1e-2)
    assert shifted + scaled[0] * 7 == pytest.approx(bias, abs=1e-2)
