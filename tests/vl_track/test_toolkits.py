"""Scores equal each toolkit's: golden numbers and the rules of docs/evaluation.md."""

from dataclasses import replace

import numpy as np
import pytest

from holdfast.errors import DataError
from toolkit_support import SIX_PREDICTED, SIX_TRUE, six_frames
from vl_track.data.truth import TrueSequence
from vl_track.scoring.alignment import align, refusal, repair
from vl_track.scoring.conventions import NAMES, TOOLKITS, convention
from vl_track.scoring.scores import score

PREDICTED = {"six": np.array(SIX_PREDICTED, float)}
GOLDEN = [
    ("stark", "lasot", True, (42.063492, 50, 50)),
    ("pytracking", "lasot", True, (29.365079, 33.3333, 50)),
    ("stark", "other", True, (42.063492, 50, 66.6667)),
    ("pytracking", "other", False, (29.365079, 33.3333, 66.6667)),
    ("matlab", "lasot", True, (29.365079, 50, 50)),
    ("got10k", "lasot", True, (42.063492, 50, 50)),
]


@pytest.mark.parametrize(("name", "label", "flags", "expected"), GOLDEN)
def test_six_frames(name: str, label: str, flags: bool, expected: tuple[float, ...]) -> None:
    rules = convention(name, label)  # type: ignore[arg-type]
    found = score([six_frames(flags=flags)], PREDICTED, rules).figures()
    got = (found["auc"], found["precision"], found["normalised_at"])
    assert [round(value, 4) for value in got] == [round(value, 4) for value in expected]


def slow_success(predicted: np.ndarray, truth: np.ndarray, visible: list[bool]) -> float:
    """STARK's AUC under the label lasot, frame by frame, without vectors."""
    predicted = predicted.copy()
    for time in range(1, len(predicted)):
        if predicted[time, 2] == 0 or predicted[time, 3] == 0:
            predicted[time] = predicted[time - 1]
    predicted[0] = truth[0]
    passed = np.zeros(21)
    for (px, py, pw, ph), (x, y, w, h), seen in zip(predicted, truth, visible, strict=True):
        if w <= 0 or h <= 0 or not seen:
            continue
        across = max(0.0, min(px + pw - 1, x + w - 1) - max(px, x) + 1)
        down = max(0.0, min(py + ph - 1, y + h - 1) - max(py, y) + 1)
        overlap = across * down / (pw * ph + w * h - across * down)
        passed += [overlap > 0.05 * step for step in range(21)]
    return float(100 * (passed / len(truth)).mean())


@pytest.mark.parametrize("seed", range(5))
def test_success_agrees_with_a_slow_loop(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 60, (50, 4)).astype(float)
    predicted = truth + generator.integers(-6, 7, (50, 4))
    predicted[:, 2:] = np.maximum(predicted[:, 2:], 0)
    truth[0, 2:] += 5
    visible = [bool(value) for value in generator.random(50) < 0.8]
    sequence = TrueSequence(name="a", boxes=truth, visible=np.array(visible))
    found = score([sequence], {"a": predicted}, convention("stark")).figures()["auc"]
    assert found == pytest.approx(slow_success(predicted, truth, visible), abs=1e-9)


def test_scores_average_sequences_not_frames() -> None:
    easy = TrueSequence(name="easy", boxes=np.tile([5.0, 5, 10, 10], (100, 1)))
    hard = TrueSequence(name="hard", boxes=np.tile([50.0, 50, 10, 10], (2, 1)))
    predicted = {"easy": easy.boxes, "hard": np.array([[50.0, 50, 10, 10], [0, 0, 3, 3]])}
    for name in TOOLKITS:
        found = score([easy, hard], predicted, convention(name)).figures()
        assert found["op50"] == pytest.approx((100 + 50) / 2)


def test_a_perfect_tracker_scores_twenty_of_twenty_one() -> None:
    boxes = np.tile([5.0, 5, 10, 10], (7, 1))
    truth = TrueSequence(name="a", boxes=boxes)
    assert score([truth], {"a": boxes}, convention("stark")).figures()["auc"] == pytest.approx(
        100 * 20 / 21
    )


def test_the_labels_that_matter() -> None:
    assert convention("stark", "lasot").absent_normalised is False
    for label in ("lasot_lang", "lasot_extension_subset", "lasotext", "tnl2k", "LaSOT"):
        assert convention("stark", label).absent_normalised is True
    assert convention("pytracking", "uav").invalid_precision is True
    assert "label 'tnl2k'" in convention("stark", "tnl2k").title
    assert convention("matlab").title == "matlab"
    with pytest.raises(KeyError):
        convention("mine")  # type: ignore[arg-type]


def test_toolkits_refuse_what_they_refuse() -> None:
    truth, boxes = six_frames(), np.array(SIX_PREDICTED, float)
    negative = boxes.copy()
    negative[2, 3] = -4
    missing = boxes.copy()
    missing[4, 0] = np.nan
    stark, matlab, mmot = convention("stark"), convention("matlab"), convention("mmot")
    assert refusal(boxes, truth, stark) is None
    assert "line 3" in str(refusal(negative, truth, stark))
    assert "line 5" in str(refusal(missing, truth, stark))
    assert refusal(negative, truth, matlab) is None
    assert "5 boxes for 6 frames" in str(refusal(boxes[:5], truth, stark))
    assert refusal(boxes[:5], truth, convention("stark", "tnl2k")) is None
    assert refusal(boxes[:5], truth, convention("got10k")) is None
    assert "7 boxes for 6 frames" in str(refusal(np.vstack([boxes, boxes[:1]]), truth, mmot))
    with pytest.raises(DataError, match="negative side"):
        score([truth], {"six": negative}, stark)
    with pytest.raises(DataError, match="no result for six"):
        score([truth], {}, stark, strict=False)
    with pytest.raises(DataError, match="is empty"):
        score([truth], {"six": np.zeros((0, 4))}, stark, strict=False)


def test_leniency_changes_only_the_refused_frame() -> None:
    truth, boxes = six_frames(), np.array(SIX_PREDICTED, float)
    before = boxes.copy()
    before[2] = boxes[1]
    negative = boxes.copy()
    negative[2, 3] = -4
    stark = convention("stark")
    lenient = score([truth], {"six": negative}, stark, strict=False).figures()
    assert lenient == score([truth], {"six": before}, stark).figures()
    short = score([truth], {"six": boxes[:2]}, stark, strict=False).figures()
    padded = align([truth], {"six": boxes[:2]}, stark, strict=False).predicted
    np.testing.assert_array_equal(padded[2], np.zeros(4))
    assert short["auc"] < score([truth], {"six": boxes}, stark).figures()["auc"]


def test_lengths() -> None:
    truth, boxes = six_frames(), np.array(SIX_PREDICTED, float)
    longer = np.vstack([boxes, boxes])
    for name in ("stark", "pytracking", "matlab", "got10k"):
        rules = convention(name)  # type: ignore[arg-type]
        assert (
            score([truth], {"six": longer}, rules).figures()
            == score([truth], {"six": boxes}, rules).figures()
        )
    shortest = align([truth], {"six": boxes[:4]}, convention("got10k"))
    assert shortest.frames.tolist() == [4]
    padded = align([truth], {"six": boxes[:4]}, convention("stark", "tnl2k"))
    assert padded.frames.tolist() == [6]


def test_repairs() -> None:
    boxes = np.array([[0, 0, 0, 0], [1, 1, 5, 5], [2, 2, 0, 5], [3, 3, -1, 5], [np.nan] * 4])
    np.testing.assert_array_equal(repair(boxes, "never"), boxes)
    zero = repair(boxes, "zero")
    np.testing.assert_array_equal(zero[2], boxes[1])
    np.testing.assert_array_equal(zero[3], boxes[3])
    np.testing.assert_array_equal(zero[0], boxes[0])
    every = repair(boxes, "not_positive")
    np.testing.assert_array_equal(every[2:], np.tile(boxes[1], (3, 1)))


def test_sequences_without_a_success_are_left_out_by_matlab_only() -> None:
    good = TrueSequence(name="good", boxes=np.tile([5.0, 5, 10, 10], (4, 1)))
    gone = TrueSequence(name="gone", boxes=np.zeros((4, 4)), visible=np.zeros(4, bool))
    predicted = {"good": good.boxes, "gone": np.tile([1.0, 1, 2, 2], (4, 1))}
    matlab = score([good, gone], predicted, convention("matlab")).figures()["auc"]
    stark = score([good, gone], predicted, convention("stark")).figures()["auc"]
    assert matlab == pytest.approx(2 * stark)


def test_truth_must_be_whole() -> None:
    with pytest.raises(DataError, match="four numbers a frame"):
        TrueSequence(name="a", boxes=np.zeros((3, 3)))
    with pytest.raises(DataError, match="3 boxes and 2 visibility flags"):
        TrueSequence(name="a", boxes=np.zeros((3, 4)), visible=np.ones(2, bool))


def test_got10k_drops_frames_that_are_no_numbers() -> None:
    truth = np.array(SIX_TRUE, float)
    truth[2] = np.nan
    sequence = TrueSequence(name="six", boxes=truth)
    found = align([sequence], PREDICTED, convention("got10k"))
    assert found.frames.tolist() == [5]
    assert not np.isnan(found.truth).any()


def test_one_sequence_and_repeated_ones() -> None:
    truth = six_frames()
    scores = score([truth, replace(truth, name="b")], {**PREDICTED, "b": truth.boxes},
                   convention("got10k"))  # fmt: skip
    first, second = scores.sequence_auc()
    assert scores.figures(np.array([0]))["auc"] == pytest.approx(first)
    assert scores.figures(np.array([1, 1, 0]))["auc"] == pytest.approx((2 * second + first) / 3)
    assert "complete_auc" not in scores.figures()
    assert "complete_auc" in score([truth], PREDICTED, convention("mmot")).figures()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("together", [1, 3, 16])
def test_how_many_sequences_are_scored_at_once_changes_nothing(
    name: str, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(0)
    truths = [
        TrueSequence(
            name=f"s{number}", boxes=generator.uniform(5, 90, (20 + number, 4)),
            visible=generator.random(20 + number) > 0.1,
        )
        for number in range(10)
    ]  # fmt: skip
    predictions = {one.name: one.boxes + generator.normal(0, 3, one.boxes.shape) for one in truths}
    rules = convention(name)  # type: ignore[arg-type]
    monkeypatch.setattr("vl_track.scoring.scores.SEQUENCES_PER_BATCH", 1000)
    whole = score(truths, predictions, rules)
    monkeypatch.setattr("vl_track.scoring.scores.SEQUENCES_PER_BATCH", together)
    found = score(truths, predictions, rules)
    assert found.names == whole.names
    assert (found.frames == whole.frames).all()
    assert set(found.curves) == set(whole.curves)
    for curve, values in found.curves.items():
        assert np.array_equal(values, whole.curves[curve]), curve
