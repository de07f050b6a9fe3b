"""Averages of overlaps: GOT-10k, VOT-style, mAcc."""

import numpy as np
import pytest

from holdfast.errors import DataError
from toolkit_support import SIX_PREDICTED, SIX_TRUE, six_frames
from vl_track.data.truth import TrueSequence
from vl_track.scoring.averages import average_overlap, got_scores, mean_accuracy
from vl_track.scoring.measures import overlap_continuous

EXACT = TrueSequence(
    name="exact",
    boxes=np.array([[0, 0, 10, 10], [10, 0, 10, 10], [20, 0, 10, 10], [95, 0, 10, 10]], float),
    visible=np.array([True, True, False, True]),
    size=(100, 50),
)
SHIFTED = {"exact": np.array([[7, 7, 1, 1], [15, 0, 10, 10], [20, 0, 10, 10], [95, 0, 30, 10]])}


def test_got10k_pools_frames_cuts_boxes_and_skips_the_first_and_the_covered() -> None:
    found = got_scores([EXACT], {"exact": SHIFTED["exact"].astype(float)})
    # Frame 2 overlaps 5 of 15; frame 4 is equal once both are cut to the picture.
    assert found.frames == 2
    assert found.ao == pytest.approx(100 * (1 / 3 + 1) / 2)
    assert found.sr50 == 50
    assert found.sr75 == 50


def test_got10k_weighs_frames_and_vot_weighs_sequences() -> None:
    long = TrueSequence(name="long", boxes=np.tile([0.0, 0, 10, 10], (11, 1)), size=(50, 50))
    short = TrueSequence(name="short", boxes=np.tile([0.0, 0, 10, 10], (2, 1)), size=(50, 50))
    predicted = {"long": long.boxes, "short": np.array([[0.0, 0, 10, 10], [30, 30, 5, 5]])}
    assert got_scores([long, short], predicted).ao == pytest.approx(100 * 10 / 11)
    assert average_overlap([long, short], predicted) == pytest.approx(50)


def test_got10k_needs_sizes_and_frames() -> None:
    with pytest.raises(DataError, match=r"size of the images of six"):
        got_scores([six_frames()], {"six": np.array(SIX_PREDICTED, float)})
    lone = TrueSequence(name="lone", boxes=np.array([[0.0, 0, 5, 5]]), size=(9, 9))
    for function in (got_scores, average_overlap):
        with pytest.raises(DataError, match="No frame counts"):
            function([lone], {"lone": lone.boxes})
    with pytest.raises(DataError, match="no result for lone"):
        got_scores([lone], {})


def test_mean_accuracy_counts_an_absent_object_as_zero_when_a_box_is_given() -> None:
    predicted = np.array(SIX_PREDICTED, float)
    overlaps = overlap_continuous(predicted, np.array(SIX_TRUE, float))
    overlaps[3] = 0
    expected = 100 * overlaps.mean()
    assert mean_accuracy([six_frames()], {"six": predicted}) == pytest.approx(expected)
    shorter = mean_accuracy([six_frames()], {"six": predicted[:2]})
    assert shorter == pytest.approx(100 * overlaps[:2].mean())
