"""Properties any tracker of ours has, whatever its weights."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scenes_support import tiny_network
from vl_track.data.geometry import Box, Window
from vl_track.data.video import crop_frame
from vl_track.tracking import Tracker, TrackerOptions
from vl_track.tracking.tracker import smooth_size
from vl_track.video.frames import Image

BOX: Box = (150.0, 120.0, 32.0, 40.0)


def noise(size: tuple[int, int] = (400, 320), seed: int = 0) -> Image:
    """Random texture, smooth enough to have structure at every scale."""
    generator = np.random.default_rng(seed)
    picture = np.zeros((size[1], size[0], 3))
    for step in (4, 16, 64):
        small = generator.uniform(0, 80, (size[1] // step + 1, size[0] // step + 1, 3))
        picture += small.repeat(step, axis=0).repeat(step, axis=1)[: size[1], : size[0]]
    return picture.astype(np.uint8)


def follow(frames: list[Image], box: Box, seed: int = 0, **options: object) -> np.ndarray:
    one = Tracker(tiny_network(seed=seed), TrackerOptions(**options))  # type: ignore[arg-type]
    one.initialize(frames[0], box, "the red circle")
    return np.array([one.track(frame).box for frame in frames[1:]])


@settings(max_examples=15, deadline=None)
@given(dx=st.integers(-40, 40), dy=st.integers(-40, 40), seed=st.integers(0, 5))
def test_moving_the_picture_moves_the_answer(dx: int, dy: int, seed: int) -> None:
    frame = noise()
    moved = np.roll(frame, (dy, dx), axis=(0, 1))
    x, y, width, height = BOX
    one = follow([frame, frame], BOX, seed)[0]
    other = follow([moved, moved], (x + dx, y + dy, width, height), seed)[0]
    # A box that touches the border was cut there.
    assume(all(min(b[:2]) > 0 and b[0] + b[2] < 400 and b[1] + b[3] < 320 for b in (one, other)))
    assert np.allclose(other - one, (dx, dy, 0, 0), atol=1e-2)


def test_a_padded_frame_changes_nothing_far_from_its_border() -> None:
    frame = noise()
    wide = np.pad(frame, ((0, 70), (0, 90), (0, 0)))
    assert np.allclose(follow([frame, frame], BOX), follow([wide, wide], BOX), atol=1e-3)


def test_twice_the_size_is_twice_the_box() -> None:
    """Enlarging doubles the windows, and shrinking them to the same crop undoes it."""
    frame = cv2.GaussianBlur(noise(), (0, 0), 3)
    large = cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    # Windows of whole pixels at both sizes: 36 * 4 = 144 and 72 * 4 = 288.
    one = follow([frame, frame], (150, 120, 36, 36))[0]
    other = follow([large, large], (300, 240, 72, 72))[0]
    assert np.allclose(other / 2, one, atol=1.5)


def test_the_same_video_gives_the_same_boxes() -> None:
    frames = [noise(seed=seed) for seed in range(4)]
    assert np.array_equal(follow(frames, BOX), follow(frames, BOX))


def test_views_and_read_only_frames_are_as_good_as_copies() -> None:
    frame = noise()
    mirrored = frame[:, ::-1]
    locked = np.ascontiguousarray(mirrored)
    locked.flags.writeable = False
    assert np.array_equal(follow([mirrored, mirrored], BOX), follow([locked, locked], BOX))


def test_frames_are_not_changed() -> None:
    frame = noise()
    before = frame.copy()
    follow([frame, frame], BOX)
    assert np.array_equal(frame, before)


def test_several_windows_are_answered_as_one_by_one() -> None:
    frame = noise()
    one = Tracker(tiny_network())
    one.initialize(frame, BOX, "the red circle")
    windows = [Window(20, 30, 100), Window(150, 100, 160), Window(-30, -30, 90)]
    alone = [one._search(frame, [window], hann=False) for window in windows]
    best = max(alone, key=lambda estimate: estimate.score)
    together = one._search(frame, windows, hann=False)
    assert together.score == pytest.approx(best.score, abs=1e-5)
    assert together.box == pytest.approx(best.box, abs=1e-2)


def test_tracking_records_no_gradient() -> None:
    network = tiny_network()
    one = Tracker(network)
    one.initialize(noise(), BOX)
    one.track(noise())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.training


@pytest.mark.parametrize("box", [(0.0, 0.0, 400.0, 320.0), (0.0, 0.0, 1.0, 1.0),
                                 (399.0, 319.0, 1.0, 1.0), (0.4, 0.4, 0.5, 300.0)])  # fmt: skip
def test_extreme_boxes_stay_in_the_frame(box: Box) -> None:
    for x, y, width, height in follow([noise()] * 4, box):
        assert width >= 10 - 1e-6
        assert height >= 10 - 1e-6
        assert -1e-6 <= x <= 390
        assert -1e-6 <= y <= 310


def test_a_sentence_is_encoded_once_a_video(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny_network()
    calls = []
    ordinary = network.text.encode
    monkeypatch.setattr(network.text, "encode", lambda said: calls.append(said) or ordinary(said))
    one = Tracker(network)
    one.initialize(noise(), BOX, "The red circle.")
    for _ in range(3):
        one.track(noise())
    assert calls == [["the red circle"]]


def test_half_precision_weights_follow_as_full_ones() -> None:
    """Shipped weights are float16; what they lose must not move a box."""
    network = tiny_network()
    rounded = tiny_network()
    state = {
        name: value.half().float() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    rounded.load_state_dict(state)
    frame = noise()
    crop = crop_frame(frame, Window(100, 80, 130), 64)
    search = torch.from_numpy(crop).permute(2, 0, 1)[None]
    template = torch.from_numpy(crop_frame(frame, Window(130, 100, 70), 32)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        full = network.eval()(template, search, ["the red circle"]).maps
        half = rounded.eval()(template, search, ["the red circle"]).maps
    for one, other in zip(full, half, strict=True):
        assert torch.allclose(one, other, atol=5e-3)


SIDES = st.floats(1, 500)
PLACES = st.floats(-200, 800)


@given(
    st.tuples(PLACES, PLACES, SIDES, SIDES),
    st.tuples(PLACES, PLACES, SIDES, SIDES),
    st.floats(0, 0.95),
)
def test_remembered_sizes_lie_between_and_keep_the_centre(
    box: Box, last: Box, share: float
) -> None:
    x, y, width, height = smooth_size(box, last, share)
    assert x + width / 2 == pytest.approx(box[0] + box[2] / 2, abs=1e-6)
    assert y + height / 2 == pytest.approx(box[1] + box[3] / 2, abs=1e-6)
    for new, own, old in zip((width, height), box[2:], last[2:], strict=True):
        assert min(own, old) * (1 - 1e-9) <= new <= max(own, old) * (1 + 1e-9)
    again = smooth_size(box, box, share)
    assert again == pytest.approx(box, abs=1e-6)


def test_no_memory_is_the_release_and_memory_slows_growth() -> None:
    frame = noise()
    plain = follow([frame] * 6, BOX)
    np.testing.assert_array_equal(plain, follow([frame] * 6, BOX, size_memory=0.0))
    slow = follow([frame] * 6, BOX, size_memory=0.9)
    first = np.log(plain[0, 2:] / BOX[2:])
    damped = np.log(slow[0, 2:] / BOX[2:])
    np.testing.assert_allclose(damped, 0.1 * first, atol=1e-3)
