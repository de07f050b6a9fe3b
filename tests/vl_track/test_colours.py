"""Colours of a box, and how they tell places of a frame apart."""

import numpy as np
import pytest

from vl_track.finding import Found
from vl_track.tracking.colours import LEVELS, colours_of, likeness
from vl_track.tracking.judge import Judge
from vl_track.tracking.watch import Watch

RED, GREEN = (220, 20, 20), (20, 200, 20)


def painted(inside: tuple[int, int, int]) -> np.ndarray:
    crop = np.full((64, 64, 3), 128, np.uint8)
    crop[16:48, 16:48] = inside
    return crop


def box(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_only_what_is_inside_the_box_counts() -> None:
    shares = colours_of(painted(RED), box(0.5, 0.5, 0.5, 0.5))
    assert shares.shape == (LEVELS**3,)
    assert shares.max() == shares.sum() == 1
    both = colours_of(painted(RED), box(0.5, 0.5, 1.0, 0.5))
    assert likeness(shares, both) == pytest.approx(np.sqrt(0.5), abs=0.1)
    assert likeness(shares, shares) == pytest.approx(1)
    assert likeness(shares, colours_of(painted(GREEN), box(0.5, 0.5, 0.5, 0.5))) == 0


@pytest.mark.parametrize("where", [(0.0, 0.0, 0.0, 0.0), (1.5, 1.5, 0.1, 0.1), (-1, 0.5, 0.2, 3)])
def test_a_box_without_an_area_in_the_crop_still_has_colours(where: tuple[float, ...]) -> None:
    assert colours_of(painted(RED), box(*where)).sum() == pytest.approx(1)


def found(score: float = 0.9) -> Found:
    cells = np.full((1, 4, 2), score, np.float32)
    return Found(box(0.5, 0.5, 0.5, 0.5)[None], np.array([score], np.float32), None, cells)


def test_a_place_of_other_colours_is_less_likely() -> None:
    """By score and match alone it once was as likely as the object itself."""
    places = {"score": 0.0, "template": 0.0, "colour": 8.0, "bias": -4.0}
    weights = dict.fromkeys(
        ("score_now", "template_now", "score_smoothed", "template_smoothed"), 0.0
    )
    judge = Judge(weights=weights, bias=1.0, frames=1, videos=1, places=places)
    watch = Watch(judge, 0.0)
    assert watch.likelihood(found(), 0, painted(RED)) == 0, "nothing was seen yet"
    for _ in range(3):
        watch.look(found(), 0, painted(RED))
    assert watch.likelihood(found(), 0, painted(RED)) > 0.95
    assert watch.likelihood(found(), 0, painted(GREEN)) < 0.05
    watch.start(given=True)
    assert watch.likelihood(found(), 0, painted(RED)) == 0, "the object before is forgotten"
    plain = Watch(Judge(weights=weights, bias=9.0, frames=1, videos=1), 0.0)
    plain.look(found(), 0, painted(RED))
    assert plain.likelihood(found(), 0, painted(RED)) < 0.01, "nothing was fitted for places"
