"""Boxes refined by optical flow keep the extent that was given and do not lead astray."""

import math
import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from tracking_support import FindsRed
from vl_track.data.geometry import Box, box_iou
from vl_track.finding import OFFICIAL, Conventions
from vl_track.nn.network import Output
from vl_track.tracking import Tracker, TrackerOptions, refining
from vl_track.tracking.flow import Motion, motion_between, patch_of
from vl_track.tracking.refining import NOISE, Refiner, absolute, relative
from vl_track.tracking.together import track_together

FRAME = (240, 320, 3)
Picture = NDArray[np.uint8]


def textured(box: Box, seed: int = 0) -> Picture:
    """A red object with a texture that moves and grows with it, on a grey background of its own."""
    generator = np.random.default_rng(seed)
    frame = np.repeat(generator.integers(70, 110, (*FRAME[:2], 1), dtype=np.uint8), 3, axis=2)
    frame = cv2.GaussianBlur(frame, (0, 0), 2)
    coarse = generator.integers(120, 256, (12, 12), dtype=np.uint8)
    x, y, width, height = box
    matrix = np.array([[width / 120, 0, x], [0, height / 120, y]])
    red = cv2.resize(coarse, (120, 120), interpolation=cv2.INTER_CUBIC)
    size = (FRAME[1], FRAME[0])
    drawn = cv2.warpAffine(red, matrix, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.full_like(red, 255), matrix, size) > 127
    frame[inside] = 0
    frame[..., 0][inside] = drawn[inside]
    return np.asarray(frame, np.uint8)


@pytest.mark.parametrize(
    ("shift", "scale"), [((0.0, 0.0), 1.0), ((3.5, -2.0), 1.0), ((-6.0, 4.0), 1.06), ((1, 1), 0.93)]
)
def test_flow_measures_shift_and_scale(shift: tuple[float, float], scale: float) -> None:
    x, y, width, height = before = (100.0, 80.0, 60.0, 48.0)
    new_width, new_height = width * scale, height * scale
    after = (
        x + width / 2 + shift[0] - new_width / 2,
        y + height / 2 + shift[1] - new_height / 2,
        new_width,
        new_height,
    )
    motion = motion_between(patch_of(textured(before), before), textured(after))
    assert motion.reliable
    assert (motion.x, motion.y) == pytest.approx(shift, abs=0.4)
    assert motion.scale == pytest.approx(scale, abs=0.015)


def test_flow_says_when_it_knows_nothing() -> None:
    box = (100.0, 80.0, 60.0, 48.0)
    flat = np.full(FRAME, 90, np.uint8)
    assert not motion_between(patch_of(flat, box), flat).reliable
    patch = patch_of(textured(box), box)
    assert not motion_between(patch, textured(box)[:200]).reliable  # another size of frame
    noise = np.random.default_rng(3).integers(0, 256, FRAME, dtype=np.uint8)
    assert not motion_between(patch, noise).reliable
    outside = (-200.0, -200.0, 20.0, 20.0)
    assert not motion_between(patch_of(flat, outside), flat).reliable


def test_a_box_of_three_pixels_and_one_larger_than_the_frame_are_no_errors() -> None:
    for box in ((50.0, 50.0, 3.0, 3.0), (-40.0, -40.0, 500.0, 400.0)):
        refiner = Refiner(textured(box), box, margin=10, least=1)
        found = refiner.refine(textured(box), box)
        assert np.isfinite(found).all()
        assert found[2] > 0
        assert found[3] > 0


def test_a_box_that_the_frame_cuts_to_nothing_is_no_error() -> None:
    """The release's boxes may have no area where the margin is 0; that was a math domain error."""
    box = (300.0, 80.0, 19.0, 20.0)
    refiner = Refiner(textured(box), box, margin=0, least=0)
    for _ in range(40):
        found = refiner.refine(textured(box), (320.0, 80.0, 0.0, 20.0))
        assert np.isfinite(found).all()
        assert min(found[2:]) > 0
    for _ in range(40):
        found = refiner.refine(textured(box), box)
    assert box_iou(found, box) > 0.5


def test_relative_and_absolute_are_inverse() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        last = (*generator.uniform(0, 300, 2), *generator.uniform(5, 200, 2))
        box = (*generator.uniform(0, 300, 2), *(last[2:] * np.exp(generator.uniform(-0.9, 0.9, 2))))
        assert absolute(relative(box, last), last) == pytest.approx(box)


class SlowFilter:
    """One number: a Kalman filter with matrices, as in any textbook."""

    def __init__(self, axis: int) -> None:
        self.axis = axis
        self.mean = np.zeros(2)
        self.covariance = np.diag([0.0, NOISE.start[axis] ** 2])

    def step(self, moved: float | None, seen: float, *, elsewhere: bool) -> float:
        trusted = moved is not None
        change = np.diag([1.0, refining.MEMORY])
        spread = NOISE.flow if trusted else NOISE.blind
        forgotten = NOISE.bias if trusted else NOISE.blind_bias
        self.mean = change @ np.array([0.0, self.mean[1]]) + np.array([moved or 0.0, 0.0])
        noise = np.diag([spread[self.axis] ** 2, forgotten[self.axis] ** 2])
        self.covariance = change @ self.covariance @ change + noise
        if elsewhere:
            self.covariance[0, 0] += refining.ELSEWHERE[self.axis] ** 2
        reading = np.ones((1, 2))
        variance = reading @ self.covariance @ reading.T + NOISE.network[self.axis] ** 2
        gain = self.covariance @ reading.T / variance
        self.mean = self.mean + gain[:, 0] * (seen - self.mean.sum())
        self.covariance = (np.eye(2) - gain @ reading) @ self.covariance
        return float(self.mean[0])


def test_the_filter_is_a_kalman_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    motions = [
        Motion(*generator.normal(0, 2, 2), float(np.exp(generator.normal(0, 0.02))), quality)
        for quality in (0.9, 0.9, 0.2, 0.9, 0.0, 0.8, 0.9)
    ]
    given: Iterator[Motion] = iter(motions)
    monkeypatch.setattr(refining, "motion_between", lambda patch, frame: next(given))
    frame = np.zeros((400, 400, 3), np.uint8)
    last: Box = (150.0, 150.0, 60.0, 90.0)
    refiner = Refiner(frame, last, margin=10, least=1)
    filters = [SlowFilter(axis) for axis in range(4)]
    for number, motion in enumerate(motions):
        found = (150 + generator.normal(0, 3), 145 + generator.normal(0, 3), 75.0, 95.0 + number)
        seen, ahead = relative(found, last), moved_by(motion, last)
        bias = np.array([one.mean[1] * refining.MEMORY for one in filters])
        unbiased = absolute(seen - bias, last)
        elsewhere = motion.reliable and box_iou(unbiased, ahead) < refining.AGREES
        steps = relative(ahead, last)
        state = [
            one.step(float(step) if motion.reliable else None, float(now), elsewhere=elsewhere)
            for one, step, now in zip(filters, steps, seen, strict=True)
        ]
        refined = refiner.refine(frame, found)
        assert refined == pytest.approx(absolute(np.array(state), last), abs=1e-6)
        last = refined


def moved_by(motion: Motion, last: Box) -> Box:
    """The box that flow predicts."""
    x, y, width, height = last
    new_width, new_height = width * motion.scale, height * motion.scale
    return (
        x + width / 2 + motion.x - new_width / 2,
        y + height / 2 + motion.y - new_height / 2,
        new_width,
        new_height,
    )


class FindsRedWide(FindsRed):
    """Draws every box half as wide again as it is."""

    def forward(self, template: Tensor, search: Tensor, sentences: object, keep: object = None,
                target: object = None) -> Output:  # type: ignore[override]  # fmt: skip
        output = super().forward(template, search, sentences)
        output.maps.size_B2FF[:, 0] *= 1.5
        return output


def path(time: int) -> Box:
    """Where the object is: it moves and grows."""
    return 60.0 + 3 * time, 50.0 + 2 * time, 50.0 + time, 40.0 + 0.8 * time


def widths(option: bool | None, network: FindsRed | None = None) -> list[float]:
    """Found widths over the true ones."""
    tracker = Tracker(network or FindsRedWide(), TrackerOptions(flow=option))
    tracker.initialize(textured(path(0)), path(0))
    return [tracker.track(textured(path(t))).box[2] / path(t)[2] for t in range(1, 13)]


def test_the_given_extent_is_kept_where_the_network_errs() -> None:
    plain, refined = widths(False), widths(True)
    assert min(plain) > 1.2
    assert np.mean(np.abs(np.log(refined))) < 0.4 * np.mean(np.abs(np.log(plain)))


def test_a_bias_of_the_network_is_forgotten() -> None:
    """What is wrong at first does not stay wrong, so a wrong box is not kept for ever."""
    box = (80.0, 60.0, 50.0, 40.0)
    frame = np.full(FRAME, 90, np.uint8)  # no flow to be believed
    refiner = Refiner(frame, (80.0, 60.0, 100.0, 40.0), margin=10, least=1)
    found = [refiner.refine(frame, box)[2] for _ in range(400)]
    assert found[0] > 60
    assert found[-1] == pytest.approx(50, abs=2)


def test_the_search_goes_by_the_networks_own_box() -> None:
    plain = Tracker(FindsRedWide(), TrackerOptions(flow=False))
    refined = Tracker(FindsRedWide(), TrackerOptions(flow=True))
    for tracker in (plain, refined):
        tracker.initialize(textured(path(0)), path(0))
    for number in range(1, 6):
        frame = textured(path(number))
        boxes = [tracker.track(frame).box for tracker in (plain, refined)]
        assert boxes[0] != boxes[1]
        assert plain.preprocess(frame).window == refined.preprocess(frame).window


def test_where_the_network_jumps_the_box_follows() -> None:
    """A lost object that is found elsewhere is not dragged back to where flow saw it."""
    here, there = (60.0, 50.0, 50.0, 40.0), (220.0, 150.0, 50.0, 40.0)
    refiner = Refiner(textured(here), here, margin=10, least=1)
    for _ in range(5):
        refiner.refine(textured(here), here)
    found = [refiner.refine(textured(here), there) for _ in range(2)]
    assert box_iou(found[0], there) > 0.5
    assert box_iou(found[1], there) > 0.8


def test_the_box_of_a_lost_object_stays_until_it_is_found() -> None:
    """Flow followed what was behind it, and took the box that stays for the network's answer."""
    generator = np.random.default_rng(4)
    behind = cv2.GaussianBlur(generator.integers(0, 256, (240, 500), dtype=np.uint8), (0, 0), 3)
    wide = np.repeat(behind[..., None], 3, axis=2)
    tracker = Tracker(FindsRedWide(), TrackerOptions(flow=True, redetect="always", lost_patience=1))
    tracker.initialize(textured(path(0)), path(0))
    last = [tracker.track(textured(path(number))).box for number in range(1, 6)][-1]
    for shift in range(0, 60, 4):
        assert tracker.track(np.ascontiguousarray(wide[:, shift : shift + 320])).box == last
        assert tracker.lost
    again = tracker.track(textured(path(5)))
    assert not tracker.lost
    assert again.box[2] / path(5)[2] < 1.2, "its extent is still known"


def follow_with(options: TrackerOptions, frames: list[Picture]) -> tuple[list[Box], list[object]]:
    """Return the boxes, and what the network was given for each frame."""
    tracker = Tracker(FindsRedWide(), options)
    tracker.initialize(frames[0], path(0))
    boxes, given = [], []
    for frame in frames[1:]:
        asked = tracker.preprocess(frame)
        given.append((asked.window, asked.template_13hw.tobytes(), asked.target_14.tolist()))
        boxes.append(tracker.track(frame).box)
    return boxes, given


@pytest.mark.parametrize(
    "options",
    [{"update_interval": 2, "update_score": 0.1}, {"size_memory": 0.5},
     {"redetect": "always", "lost_patience": 1}, {"margin": 3.0, "window_weight": 0.5}],
)  # fmt: skip
def test_the_network_is_given_the_same_with_flow_and_without(options: dict[str, Any]) -> None:
    """Templates and windows are cut around the network's own boxes, whatever else is asked for."""
    frames = [textured(path(number)) for number in range(9)]
    frames[5:7] = [np.full(FRAME, 90, np.uint8)] * 2
    plain, without = follow_with(TrackerOptions(flow=False, **options), frames)
    refined, given = follow_with(TrackerOptions(flow=True, **options), frames)
    assert plain != refined
    assert without == given


def test_trackers_that_run_together_refine_each_its_own_box() -> None:
    network = FindsRedWide()
    frames = [[textured(path(number), seed) for number in range(6)] for seed in (0, 1)]
    alone, together = (
        [Tracker(network, TrackerOptions(flow=flow)) for flow in (True, False)] for _ in range(2)
    )
    for one, other, clip in zip(alone, together, frames, strict=True):
        one.initialize(clip[0], path(0))
        other.initialize(clip[0], path(0))
    for number in range(1, 6):
        now = [clip[number] for clip in frames]
        expected = [one.track(frame) for one, frame in zip(alone, now, strict=True)]
        found = track_together(together, now)
        for one, other in zip(expected, found, strict=True):
            assert other.box == pytest.approx(one.box, abs=1e-3)
    assert expected[0].box[2] < 0.8 * expected[1].box[2], "only the first is refined"


def test_frames_that_a_user_draws_on_do_not_matter() -> None:
    """The step's image belongs to the caller, who may draw the box on it before the next frame."""
    runs = []
    for draws in (False, True):
        tracker = Tracker(FindsRedWide(), TrackerOptions(flow=True))
        tracker.initialize(textured(path(0)), path(0))
        boxes = []
        for number in range(1, 6):
            frame = textured(path(number))
            boxes.append(tracker.track(frame).box)
            if draws:
                frame[:] = 255
        runs.append(boxes)
    assert runs[0] == runs[1]


def test_the_model_says_whether_boxes_are_refined() -> None:
    """The release does not refine, so converted weights give the release's boxes by default."""
    assert not OFFICIAL.flow
    network = FindsRedWide()
    assert widths(None, network) == widths(False)
    network.conventions = Conventions(flow=True)
    assert widths(None, network) == widths(True)
    assert widths(False, network) == widths(False)


def test_what_a_sentence_found_is_not_refined() -> None:
    """No one said how far it reaches (on real clips it lost 0.015 success AUC)."""
    boxes = []
    for option in (False, True):
        tracker = Tracker(FindsRedWide(), TrackerOptions(flow=option, allow_nothing=True))
        tracker.initialize(textured(path(0)), None, "")
        boxes.append([tracker.track(textured(path(number))).box for number in range(1, 4)])
    assert boxes[0] == boxes[1]


def test_a_prompt_begins_anew() -> None:
    tracker = Tracker(FindsRedWide(), TrackerOptions(flow=True))
    tracker.initialize(textured(path(0)), path(0))
    first = [tracker.track(textured(path(number))).box for number in range(1, 5)]
    tracker.initialize(textured(path(0)), path(0))
    assert [tracker.track(textured(path(number))).box for number in range(1, 5)] == first


def test_refining_is_quick() -> None:
    """It must not spoil the rate: a frame of the shipped network takes 15 to 30 ms."""
    frames = [textured(path(number)) for number in range(12)]
    refiner = Refiner(frames[0], path(0), margin=10, least=1)
    begun = time.process_time()
    for number, frame in enumerate(frames[1:], 1):
        refiner.refine(frame, path(number))
    assert (time.process_time() - begun) / 11 < 0.02


def test_steps_stay_finite_over_wild_answers() -> None:
    generator = np.random.default_rng(5)
    box = (100.0, 80.0, 60.0, 48.0)
    refiner = Refiner(textured(box), box, margin=10, least=1)
    for _ in range(60):
        found = (*generator.uniform(-50, 300, 2), *generator.uniform(1, 320, 2))
        refined = refiner.refine(textured(box), found)
        assert all(math.isfinite(value) for value in refined)
        assert refined[0] < FRAME[1]
        assert refined[0] + refined[2] > 0
