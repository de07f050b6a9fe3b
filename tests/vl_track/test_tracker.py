"""The tracker loop: coordinates, windows, updates, re-detection, grounding, and bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError, DataError
from scenes_support import tiny_network
from tracking_support import FindsRed, frame_with, moving_box
from vl_track.data.geometry import Box, window_around
from vl_track.data.video import crop_frame
from vl_track.finding import OFFICIAL
from vl_track.nn.text import NoText
from vl_track.scoring.measures import overlap_plain as overlaps
from vl_track.tracking import Tracker, TrackerOptions
from vl_track.tracking.redetection import MAX_WINDOWS, cover
from vl_track.tracking.window import hann_window


def tracker(**options: object) -> Tracker:
    return Tracker(FindsRed(), TrackerOptions(**options))  # type: ignore[arg-type]


def overlap(one: Box, other: Box) -> float:
    return float(overlaps([one], [other])[0])


def test_it_follows_a_moving_object_in_frame_pixels() -> None:
    one = tracker()
    start = one.initialize(frame_with(moving_box(0)), moving_box(0))
    assert start.box == moving_box(0)
    assert start.score == 1
    for time in range(1, 30):
        found = one.track(frame_with(moving_box(time)))
        assert overlap(found.box, moving_box(time)) > 0.8, time
        assert found.score == pytest.approx(0.9)


def test_a_sentence_alone_finds_the_object_in_the_whole_frame() -> None:
    one = tracker()
    start = one.initialize(frame_with(moving_box(20)), text="the red rectangle")
    assert overlap(start.box, moving_box(20)) > 0.8
    assert not one.network.asked[0].any()  # type: ignore[attr-defined,index]
    following = one.track(frame_with(moving_box(21)))
    assert overlap(following.box, moving_box(21)) > 0.8


@pytest.mark.parametrize("scales", [(0.5,), (1.0, 0.5), (0.3,)])
def test_small_objects_are_looked_for_in_parts_of_the_frame(scales: tuple[float, ...]) -> None:
    one = tracker(grounding_scales=scales)
    small = (300.0, 200.0, 8.0, 8.0)
    start = one.initialize(frame_with(small, (640, 360)), text="the red dot")
    assert overlap(start.box, (299, 199, 10, 10)) > 0.5


@pytest.mark.parametrize(("looks", "asked"), [(0, 1), (1, 2), (2, 3)])
def test_what_a_sentence_found_is_looked_at_again_from_closer(looks: int, asked: int) -> None:
    """In a crop of the whole frame ten pixels are two, and the box is as rough."""
    one, small = tracker(closer_looks=looks), (151.0, 83.0, 13.0, 17.0)
    start = one.initialize(frame_with(small, (320, 180)), text="the red dot")
    assert len(one.network.asked) == asked  # type: ignore[attr-defined,arg-type]
    assert not any(given.any() for given in one.network.asked)  # type: ignore[attr-defined,union-attr]
    assert (overlap(start.box, small) > 0.85) == (looks > 0)


def test_no_closer_look_is_taken_at_what_fills_the_frame_or_was_given() -> None:
    one, large = tracker(), (20.0, 20.0, 100.0, 80.0)
    start = one.initialize(frame_with(large), text="the red rectangle")
    assert overlap(start.box, large) > 0.8
    assert len(one.network.asked) == 1  # type: ignore[attr-defined,arg-type]
    given = tracker()
    given.initialize(frame_with(moving_box(0)), moving_box(0), "the red rectangle")
    assert given.network.asked == []  # type: ignore[attr-defined]


def slow_answer(network: torch.nn.Module, frame: np.ndarray, last: Box, template: Box) -> Box:
    """One step of the release's tracker: crop, network, Hann, argmax, back, clip."""
    backbone = network.backbone
    window = window_around(last, 4.0)
    search = torch.from_numpy(crop_frame(frame, window, 64)).permute(2, 0, 1)[None]
    shown = crop_frame(frame, window_around(template, 2.0), 32)
    with torch.inference_mode():
        maps = network(torch.from_numpy(shown).permute(2, 0, 1)[None], search, [""]).maps
    grid = backbone.search_grid
    line = [0.5 * (1 - np.cos(2 * np.pi * k / (grid + 1))) for k in range(1, grid + 1)]
    best, place = -1.0, (0, 0)
    for y in range(grid):
        for x in range(grid):
            value = float(maps.score_B1FF[0, 0, y, x]) * line[y] * line[x]
            if value > best:
                best, place = value, (y, x)
    y, x = place
    offset, size = maps.offset_B2FF[0, :, y, x], maps.size_B2FF[0, :, y, x]
    cx, cy = (x + float(offset[0])) / grid, (y + float(offset[1])) / grid
    width, height = (float(value) * window.side for value in size)
    x0 = window.left + cx * window.side - width / 2
    y0 = window.top + cy * window.side - height / 2
    rows, columns = frame.shape[:2]
    x1, y1 = x0 + width, y0 + height
    x0, x1 = min(max(0, x0), columns - 10), min(max(10, x1), columns)
    y0, y1 = min(max(0, y0), rows - 10), min(max(10, y1), rows)
    return x0, y0, max(10, x1 - x0), max(10, y1 - y0)


@pytest.mark.parametrize("seed", range(5))
def test_a_step_equals_a_slow_reference(seed: int) -> None:
    network = tiny_network(seed=seed).eval()
    generator = np.random.default_rng(seed)
    frame = generator.integers(0, 255, (90, 120, 3), dtype=np.uint8)
    box = (30.0, 25.0, 22.0, 31.0)
    one = Tracker(network)
    one.initialize(frame, box)
    assert np.allclose(one.track(frame).box, slow_answer(network, frame, box, box), atol=1e-3)


@pytest.mark.parametrize("grid", [16, 24])
def test_the_hann_window_is_the_releases(grid: int) -> None:
    window = hann_window(grid)
    line = np.hanning(grid + 2)[1:-1]
    assert np.allclose(window, np.outer(line, line), atol=1e-6)


def test_window_weight_softens_the_prior() -> None:
    maps = FindsRed()(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 64, 64), [""]).maps
    maps.score_B1FF[0, 0, 0, 0] = 0.5
    maps.score_B1FF[0, 0, 1, 1] = 0.4
    full = torch.from_numpy(tracker().prior)
    soft = torch.from_numpy(tracker(window_weight=0.1).prior)
    assert FindsRed().head.decode(maps, full)[1].item() == pytest.approx(0.4)
    assert FindsRed().head.decode(maps, soft)[1].item() == pytest.approx(0.5)


def templates(one: Tracker) -> list[torch.Tensor]:
    return one.network.asked  # type: ignore[attr-defined,no-any-return]


def test_the_template_is_never_updated_unless_asked() -> None:
    one = tracker()
    one.initialize(frame_with(moving_box(0)), moving_box(0))
    for time in range(1, 8):
        one.track(frame_with(moving_box(time)) // (1 + time % 2))
    assert all(torch.equal(template, templates(one)[0]) for template in templates(one))


def test_a_sure_tracker_updates_its_template_at_the_interval() -> None:
    one = tracker(update_interval=3, update_score=0.5)
    one.initialize(frame_with(moving_box(0)), moving_box(0))
    shades = [frame_with(moving_box(time)) for time in range(8)]
    for time in range(1, 8):
        shades[time][..., 2] = 5 * time
        one.track(shades[time])
    changed = [
        not torch.equal(a, b) for a, b in zip(templates(one), templates(one)[1:], strict=False)
    ]
    assert changed == [False, False, True, False, False, True]


def test_an_unsure_tracker_keeps_its_template() -> None:
    one = tracker(update_interval=1, update_score=0.95)
    one.initialize(frame_with(moving_box(0)), moving_box(0))
    for time in range(1, 5):
        one.track(frame_with(moving_box(time)))
    assert all(torch.equal(template, templates(one)[0]) for template in templates(one))


def test_a_lost_object_is_found_elsewhere_and_not_before() -> None:
    """The object jumps out of the search window; only re-detection finds it again."""
    before, after = (20.0, 20.0, 16.0, 16.0), (130.0, 90.0, 16.0, 16.0)
    plain, searching = tracker(lost_patience=3), tracker(lost_patience=3, redetect="always")
    found = {}
    for one in (plain, searching):
        one.initialize(frame_with(before), before)
        found[one] = [overlap(one.track(frame_with(after)).box, after) > 0.5 for _ in range(7)]
    assert not any(found[plain])
    assert plain.lost
    # Lost after three frames; the first sight may be of a part only.
    assert not any(found[searching][:2])
    assert all(found[searching][3:])
    assert not searching.lost


def test_a_lost_object_that_is_nowhere_keeps_its_last_box() -> None:
    box = (60.0, 40.0, 20.0, 20.0)
    one = tracker(redetect="always", lost_patience=2)
    one.initialize(frame_with(box), box)
    one.track(frame_with(box))
    answers = [one.track(frame_with(None)) for _ in range(5)]
    assert one.lost
    assert answers[-1].box == answers[-2].box
    assert answers[-1].score < 0.2


@given(width=st.integers(10, 2000), height=st.integers(10, 2000), side=st.floats(10, 500))
def test_covering_windows_leave_nothing_out(width: int, height: int, side: float) -> None:
    windows = cover((width, height), side)
    assert 0 < len(windows) <= MAX_WINDOWS
    for x in (0, width // 3, width // 2, width - 1):
        for y in (0, height // 3, height // 2, height - 1):
            assert any(
                w.left - 1 <= x <= w.left + w.side + 1 and w.top - 1 <= y <= w.top + w.side + 1
                for w in windows
            ), (x, y)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((10, 10, 0, 20), "has no area"),
        ((10, 10, 20, -3), "has no area"),
        ((200, 10, 20, 20), "lies outside the image, which is 160 x 120"),
        ((-50, -50, 20, 20), "lies outside"),
        ((float("nan"), 0, 5, 5), "is no box"),
        ((1, 2, 3), "is no box"),
    ],
)
def test_boxes_that_cannot_be_followed(box: Box, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tracker().initialize(frame_with(None), box)


def test_a_box_partly_outside_is_cut() -> None:
    start = tracker().initialize(frame_with(None), (-10, 100, 30, 40))
    assert start.box == (0, 100, 20, 20)


def test_nothing_to_follow_is_said() -> None:
    with pytest.raises(ConfigError, match="The prompt is empty"):
        tracker().initialize(frame_with(None), text="  ")
    blind = tiny_network(matching="none")
    blind.text = NoText()
    with pytest.raises(ConfigError, match="model has no language: give a box"):
        Tracker(blind).initialize(frame_with(None), text="the cup")
    with pytest.raises(ConfigError, match="call initialize first"):
        tracker().track(frame_with(None))


def test_an_ablation_may_start_from_nothing() -> None:
    start = tracker(allow_nothing=True).initialize(frame_with(moving_box(3)))
    assert overlap(start.box, moving_box(3)) > 0.8


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_frames_must_be_rgb_bytes(frame: np.ndarray) -> None:
    with pytest.raises(DataError, match="must be RGB uint8"):
        tracker().initialize(frame, (1, 1, 5, 5))


@pytest.mark.parametrize("size", [(161, 119), (33, 400), (12, 12), (1, 1)])
def test_odd_and_changing_frame_sizes(size: tuple[int, int]) -> None:
    one = tracker()
    one.initialize(frame_with(None), (50, 50, 20, 20))
    found = one.track(frame_with(None, size))
    assert np.isfinite(found.box).all()
    assert min(found.box[2:]) >= 1


def test_starting_again_forgets_the_last_object() -> None:
    one = tracker(lost_patience=1)
    one.initialize(frame_with(moving_box(0)), moving_box(0))
    one.track(frame_with(None))
    assert one.lost
    one.initialize(frame_with(moving_box(5)), moving_box(5))
    assert not one.lost
    assert overlap(one.track(frame_with(moving_box(6))).box, moving_box(6)) > 0.8


def test_a_small_object_may_keep_its_size_and_a_large_one_its_margin() -> None:
    """B18: a box of 3 x 3 became 10 x 10 in the next frame."""
    small = tracker()
    small.initialize(frame_with((60, 60, 5, 4)), (60, 60, 5, 4))
    assert max(small.track(frame_with((60, 60, 5, 4))).box[2:]) < 7
    large = tracker()
    large.initialize(frame_with((60, 60, 30, 30)), (60, 60, 30, 30))
    assert min(large.track(frame_with((60, 60, 5, 4))).box[2:]) == 10
    network = FindsRed()
    network.conventions = OFFICIAL
    release = Tracker(network)
    release.initialize(frame_with((60, 60, 5, 4)), (60, 60, 5, 4))
    assert min(release.track(frame_with((60, 60, 5, 4))).box[2:]) == 10
