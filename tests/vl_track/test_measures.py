"""How alike two boxes are: against slow definitions, and properties that always hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vl_track.scoring import measures
from vl_track.scoring.conventions import OVERLAPS, OVERLAPS_LINSPACE, PIXELS
from vl_track.scoring.curves import counts_above, counts_within

WHOLE = st.integers(0, 12)
SIDES = st.integers(1, 12)
BOXES = st.tuples(WHOLE, WHOLE, SIDES, SIDES)
REAL = st.floats(-50, 50)
REAL_BOXES = st.tuples(REAL, REAL, st.floats(0.5, 40), st.floats(0.5, 40))


def row(box: tuple[float, ...]) -> np.ndarray:
    return np.array([box], dtype=np.float64)


def pixels(box: tuple[int, ...]) -> set[tuple[int, int]]:
    x, y, width, height = box
    return {(a, b) for a in range(x, x + width) for b in range(y, y + height)}


@given(BOXES, BOXES)
def test_overlap_of_whole_pixels_is_a_count_of_pixels(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    shared = len(pixels(one) & pixels(other))
    expected = shared / (len(pixels(one)) + len(pixels(other)) - shared)
    assert measures.overlap_pixels(row(one), row(other))[0] == pytest.approx(expected, abs=1e-12)
    assert measures.overlap_continuous(row(one), row(other))[0] == pytest.approx(expected)


def test_apart_boxes_keep_their_areas_in_the_union() -> None:
    """Negative sides of an overlap must not multiply to a positive area."""
    assert measures.overlap_pixels(row((0, 0, 2, 2)), row((50, 60, 5, 5)))[0] == 0
    assert measures.overlap_continuous(row((0, 0, 2, 2)), row((50, 60, 5, 5)))[0] == 0


def test_two_empty_boxes() -> None:
    empty = row((3, 3, 0, 0))
    assert np.isnan(measures.overlap_pixels(empty, empty)[0])
    assert measures.overlap_continuous(empty, empty)[0] == 0


def slow_complete(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """CIoU by its formula, one pair at a time, without vectors."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = one, other
    shared_w = max(0.0, min(ax + aw, bx + bw) - max(ax, bx))
    shared_h = max(0.0, min(ay + ah, by + bh) - max(ay, by))
    shared = shared_w * shared_h
    iou = min(1.0, shared / (aw * ah + bw * bh - shared))
    hull_w = max(ax + aw, bx + bw) - min(ax, bx)
    hull_h = max(ay + ah, by + bh) - min(ay, by)
    distance = (ax + aw / 2 - bx - bw / 2) ** 2 + (ay + ah / 2 - by - bh / 2) ** 2
    v = 4 / math.pi**2 * (math.atan(bw / bh) - math.atan(aw / ah)) ** 2
    alpha = v / (1 - iou + v + np.finfo(float).eps)
    return min(1.0, max(0.0, iou - distance / (hull_w**2 + hull_h**2) - alpha * v))


@given(REAL_BOXES, REAL_BOXES)
def test_complete_overlap_follows_its_formula(
    one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    found = measures.complete_overlap(row(one), row(other))[0]
    assert found == pytest.approx(slow_complete(one, other), abs=1e-9)
    assert found <= measures.overlap_continuous(row(one), row(other))[0] + 1e-9


@given(REAL_BOXES, REAL_BOXES)
def test_errors_agree_with_each_other(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    (ax, ay, aw, ah), (bx, by, bw, bh) = one, other
    dx, dy = ax + (aw - 1) / 2 - bx - (bw - 1) / 2, ay + (ah - 1) / 2 - by - (bh - 1) / 2
    predicted, truth = row(one), row(other)
    assert measures.centre_error(predicted, truth)[0] == pytest.approx(math.hypot(dx, dy))
    expected = math.hypot(dx / bw, dy / bh)
    assert measures.normalised_error(predicted, truth)[0] == pytest.approx(expected, abs=1e-9)
    assert measures.normalised_error_tiny(predicted, truth)[0] == pytest.approx(expected, abs=1e-9)
    guarded = math.hypot(dx / max(1, bw), dy / max(1, bh))
    assert measures.normalised_error_guarded(predicted, truth)[0] == pytest.approx(guarded)


def test_boxes_are_cut_to_the_picture() -> None:
    boxes = np.array([[-5, 2, 10, 4], [95, 40, 20, 20], [200, 90, 5, 5], [1, 1, 2, 2]], float)
    cut = measures.clip_to_image(boxes, (100, 50))
    assert (cut[:, :2] >= 0).all()
    assert (cut[:, :2] + cut[:, 2:] <= [100, 50]).all()
    np.testing.assert_array_equal(cut[3], boxes[3])
    np.testing.assert_array_equal(cut[2], [100, 50, 0, 0])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(-1.5, 1.5)), min_size=1, max_size=40),
    st.booleans(),
)
def test_counts_are_counts(frames: list[tuple[int, float]], some_missing: bool) -> None:
    of = np.array([sequence for sequence, _ in frames], dtype=np.int64)
    values = np.array([value for _, value in frames])
    if some_missing:
        values[0] = np.nan
    for thresholds in (OVERLAPS, OVERLAPS_LINSPACE, np.array([0.0, 1.0])):
        above = counts_above(values, of, 4, thresholds)
        within = counts_within(values, of, 4, thresholds)
        for sequence in range(4):
            own = values[of == sequence]
            np.testing.assert_array_equal(above[sequence], [(own > t).sum() for t in thresholds])
            np.testing.assert_array_equal(within[sequence], [(own <= t).sum() for t in thresholds])


def test_thresholds_count_strictly_above_and_up_to() -> None:
    of = np.zeros(3, dtype=np.int64)
    assert counts_above(np.array([0.0, 0.5, 1.0]), of, 1, OVERLAPS)[0, 10] == 1
    assert counts_within(np.array([19.0, 20.0, 20.0001]), of, 1, PIXELS)[0, 20] == 2
    assert counts_within(np.array([np.inf, -1.0, np.nan]), of, 1, PIXELS)[0, 50] == 1
