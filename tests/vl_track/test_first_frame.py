"""The error on the first frame corrects the later boxes, in part."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tracking_support import FindsRed, frame_with, moving_box
from vl_track.data.geometry import Window
from vl_track.nn.network import Output
from vl_track.tracking import Tracker, TrackerOptions
from vl_track.tracking.first_frame import Correction, corrected, correction_of, moved_windows


def test_a_whole_correction_gives_the_given_box_back() -> None:
    given, found = (40.0, 30.0, 20.0, 60.0), (30.0, 32.0, 44.0, 50.0)
    back = corrected(found, correction_of(given, [found] * 3), 1.0)
    assert np.allclose(back, given)
    half = corrected(found, correction_of(given, [found]), 0.5)
    assert half[2] == pytest.approx(np.sqrt(20 * 44))
    assert half[3] == pytest.approx(np.sqrt(60 * 50))
    assert corrected(found, Correction(), 1.0) == found


def test_one_wild_answer_does_not_matter() -> None:
    given = (40.0, 30.0, 20.0, 60.0)
    answers = [given] * 4 + [(0.0, 0.0, 900.0, 2.0)] * 3
    assert correction_of(given, answers) == Correction()


def test_windows_stay_near() -> None:
    window = Window(100.0, 50.0, 80.0)
    moved = moved_windows(window)
    assert moved[0] == window
    assert len(set(moved)) == 7
    assert all(abs(one.left - 100) <= 8 and 70 <= one.side <= 90 for one in moved)


class FindsRedWide(FindsRed):
    """Draws every box half as wide again as it is."""

    def forward(self, template: Tensor, search: Tensor, sentences: object, keep: object = None,
                target: object = None) -> Output:  # type: ignore[override]  # fmt: skip
        output = super().forward(template, search, sentences)
        output.maps.size_B2FF[:, 0] *= 1.5
        return output


def test_a_constant_error_of_the_network_goes_away() -> None:
    widths = {}
    for share in (0.0, 0.5, 1.0):
        tracker = Tracker(FindsRedWide(), TrackerOptions(first_frame=share))
        tracker.initialize(frame_with(moving_box(0)), moving_box(0))
        found = [tracker.track(frame_with(moving_box(time))).box for time in range(1, 4)]
        widths[share] = float(np.mean([box[2] / moving_box(0)[2] for box in found]))
    assert widths[0.0] > 1.3
    assert widths[1.0] == pytest.approx(1.0, abs=0.1)
    assert widths[1.0] < widths[0.5] < widths[0.0]


def test_a_sentence_alone_corrects_nothing() -> None:
    torch.manual_seed(0)
    one, two = (Tracker(FindsRedWide(), TrackerOptions(first_frame=share)) for share in (0.0, 1.0))
    boxes = []
    for tracker in (one, two):
        tracker.initialize(frame_with(moving_box(0)), text="the red thing")
        boxes.append(tracker.track(frame_with(moving_box(1))).box)
    assert boxes[0] == boxes[1]
