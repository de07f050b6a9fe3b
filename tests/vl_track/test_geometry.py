"""Windows around boxes: exact values, and the way there and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vl_track.data.geometry import (
    Box,
    Window,
    clip_box,
    into_window,
    jitter_box,
    out_of_window,
    window_around,
    window_of_frame,
)
from vl_track.data.video import crop_frame

sides = st.floats(1, 400)
places = st.floats(-300, 900)
boxes = st.tuples(places, places, sides, sides)


def test_a_window_has_the_released_side_and_whole_pixels() -> None:
    # ceil(sqrt(30 * 40) * 4) = ceil(138.56) = 139; corner round(100 + 15 - 69.5) = round(45.5).
    assert window_around((100, 50, 30, 40), 4.0) == (round(45.5), round(0.5), 139)


def test_a_box_without_area_has_a_window_of_ten_pixels() -> None:
    assert window_around((50, 60, 0, 0), 2.0) == (45, 55, 10)


@given(box=boxes, factor=st.sampled_from([2.0, 4.0, 5.0]))
def test_a_box_survives_the_way_into_a_window_and_back(box: Box, factor: float) -> None:
    window = window_around(box, factor)
    x, y, width, height = into_window(box, window)
    back = out_of_window((x + width / 2, y + height / 2, width, height), window)
    assert np.allclose(back, box, atol=1e-6)
    assert abs(x + width / 2 - 0.5) <= 1 / window.side


@given(box=boxes)
def test_a_clipped_box_keeps_ten_pixels_in_the_frame(box: Box) -> None:
    x, y, width, height = clip_box(box, (320, 240))
    assert width >= 10
    assert height >= 10
    assert 0 <= x <= 310
    assert 0 <= y <= 230
    assert x + width <= 320 + 10
    inside = 10 <= box[0] <= 100 and 10 <= box[1] <= 100 and min(box[2:]) > 10
    if inside and max(box[2:]) < 100:
        assert np.allclose((x, y, width, height), box)


@pytest.mark.parametrize("size", [(200, 100), (100, 200), (101, 77)])
def test_the_window_of_a_frame_holds_all_of_it(size: tuple[int, int]) -> None:
    left, top, side = window_of_frame(size)
    assert side == max(size)
    assert left <= 0
    assert top <= 0
    assert left + side >= size[0]
    assert top + side >= size[1]


def test_jitter_has_the_papers_spread() -> None:
    generator = np.random.default_rng(0)
    box = (100.0, 80.0, 40.0, 90.0)
    drawn = np.array(
        [jitter_box(box, scale=0.25, centre=3, generator=generator) for _ in range(4000)]
    )
    assert np.log(drawn[:, 2] / 40).std() == pytest.approx(0.25, abs=0.01)
    assert np.log(drawn[:, 3] / 90).mean() == pytest.approx(0, abs=0.02)
    root = np.sqrt(drawn[:, 2] * drawn[:, 3])
    shift = (drawn[:, 0] + drawn[:, 2] / 2 - 120) / root
    assert np.abs(shift).max() <= 1.5
    assert shift.std() == pytest.approx(3 / math.sqrt(12), abs=0.03)


def test_no_jitter_is_the_box_itself() -> None:
    box = (10.0, 20.0, 30.0, 40.0)
    assert jitter_box(box, scale=0, centre=0, generator=np.random.default_rng(1)) == box


def slow_crop(frame: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """Pixel by pixel, black outside."""
    out = np.zeros((side, side, 3), np.uint8)
    for row in range(side):
        for column in range(side):
            y, x = top + row, left + column
            if 0 <= y < frame.shape[0] and 0 <= x < frame.shape[1]:
                out[row, column] = frame[y, x]
    return out


@given(left=st.integers(-30, 60), top=st.integers(-30, 60), side=st.integers(10, 70))
def test_a_crop_at_its_own_size_copies_pixels(left: int, top: int, side: int) -> None:
    frame = np.random.default_rng(0).integers(1, 255, (40, 50, 3), dtype=np.uint8)
    found = crop_frame(frame, Window(left, top, side), side)
    assert np.array_equal(found, slow_crop(frame, left, top, side))


def test_a_crop_outside_the_frame_is_black() -> None:
    frame = np.full((20, 20, 3), 200, np.uint8)
    assert not crop_frame(frame, Window(50, 50, 12), 8).any()
