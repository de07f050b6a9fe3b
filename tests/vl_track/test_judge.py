"""Presence from the answer's shape, the bound of the alarm, and what happens when it rings."""

import csv
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vl_track
from holdfast.errors import CheckpointError, ConfigError, DataError
from scenes_support import tiny_config, tiny_network
from tests_support import shared_file
from tracking_support import FindsRed, frame_with, moving_box, write_clip
from vl_track.app import APP
from vl_track.commands.track import summary, with_alarm
from vl_track.digests import digest_of
from vl_track.finding import Found
from vl_track.loading import save_network
from vl_track.packaged import packaged
from vl_track.scoring.alarms import alarm_score
from vl_track.scoring.judging import fit_judge
from vl_track.scoring.uncertainty import share_interval
from vl_track.scoring.watching import Watched
from vl_track.tracking import Prompt, Step, Tracker, TrackerOptions, follow
from vl_track.tracking.evidence import FEATURES, NAMES, START, History, evidence_of
from vl_track.tracking.judge import (
    FILE,
    FORMAT,
    Judge,
    can_keep,
    judge_in,
    least_alarm,
    next_statistic,
    worst_of,
)
from vl_track.tracking.result import TrackResult
from vl_track.tracking.saving import save_result
from vl_track.tracking.watch import FOUND_FRAMES, Watch, check_asked
from vl_track.video.frames import Frame


def judge(**changed: Any) -> Judge:
    """One that goes by the score alone: its logit plus 2."""
    weights = dict.fromkeys(FEATURES, 0.0) | {"score_now": 1.0}
    known: dict[str, Any] = {"weights": weights, "bias": 2.0, "frames": 9, "videos": 3}
    return Judge(**{**known, "worst": [1.0] * 30, **changed})


PLACES = {"score": 1.0, "template": 0.0, "colour": 8.0, "bias": -5.0}
CROP = np.zeros((64, 64, 3), np.uint8)


def answer(peak: float, rival: float = 0.001, matches: int = 0) -> Found:
    """One window on a grid of 8 with a peak in a corner and a rival in the opposite one."""
    cells = np.full((1, 64, 1 + matches), 0.001, np.float32)
    cells[0, 9, 0], cells[0, 54, 0] = peak, rival
    box = np.array([[0.5, 0.5, 0.25, 0.25]], np.float32)
    return Found(box, np.array([peak], np.float32), None, cells)


def test_evidence_is_the_score_and_the_match_with_the_template() -> None:
    found = answer(0.9, matches=2)
    assert found.cells is not None
    found.cells[0, 9, 1], found.cells[0, 10, 1] = 0.7, 0.9
    values = evidence_of(found, 0)
    assert values is not None
    assert values == pytest.approx([np.log(9), 0.7], abs=1e-5), "at the best cell"
    plain = evidence_of(answer(0.9), 0)
    assert plain == pytest.approx([np.log(9), 0], abs=1e-5), "a network without matches"
    assert evidence_of(found._replace(cells=None), 0) is None


def test_history_compares_with_the_videos_own_start() -> None:
    history = History()
    for _ in range(START):
        history.add(np.full(len(NAMES), 3.0))
    features = dict(zip(FEATURES, history.features(np.ones(len(NAMES))), strict=True))
    assert features["score_now"] == 1
    assert -2 < features["score_smoothed"] < 0
    for _ in range(50):
        history.add(np.ones(len(NAMES)))
    later = dict(zip(FEATURES, history.features(np.ones(len(NAMES))), strict=True))
    assert later["score_smoothed"] == pytest.approx(-2, abs=1e-3), "the start does not move"


def test_a_judge_belongs_to_its_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard = tmp_path / "model-01-of-01.safetensors"
    shard.write_bytes(b"weights")
    assert judge_in(tmp_path) is None
    one = judge(files={shard.name: digest_of(shard)})
    one.write(tmp_path / FILE)
    assert judge_in(tmp_path) == one
    shard.write_bytes(b"other weights")
    assert judge_in(tmp_path) is None
    assert "fitted for other weights" in capsys.readouterr().err
    with pytest.raises(CheckpointError, match="fitted for other weights"):
        Judge.read(tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        "no json", "[]", "{}",
        json.dumps({"format": FORMAT + 1}),
        json.dumps({"format": FORMAT, "weights": {"score_now": 1}, "bias": 0, "frames": 1,
                    "videos": 1}),
        json.dumps({"format": FORMAT, "weights": dict.fromkeys(FEATURES, float("nan")), "bias": 0,
                    "frames": 1, "videos": 1}),
        json.dumps({"format": FORMAT, "weights": dict.fromkeys(FEATURES, 0), "bias": 0,
                    "frames": 1, "videos": 1, "worst": [2, 1]}),
    ],
)  # fmt: skip
def test_damaged_judges_are_left_out(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).write_text(broken)
    assert judge_in(tmp_path) is None
    assert "presence is not told" in capsys.readouterr().err


def test_the_bound_holds_over_many_calibrations() -> None:
    """Statistics of exchangeable videos: a further one is above the threshold in at most 5 %."""
    generator = np.random.default_rng(1)
    rang = 0
    for _ in range(4000):
        values = np.round(generator.gamma(0.7, 3.0, 40), 1)  # with ties, as capped sums have
        one = judge(worst=sorted(values[:39].tolist()))
        rang += bool(values[39] > one.threshold(0.05))
    assert rang / 4000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert rang / 4000 > 0.02, "and it does ring"


def test_too_few_calibration_videos_are_refused() -> None:
    one = judge(worst=[1.0] * 10)
    assert one.threshold(1 / 11 + 1e-9) == 1.0
    with pytest.raises(
        ConfigError, match=r"calibrated on 10 videos, so the least is 0\.091; --options\.alarm 0"
    ):
        one.threshold(0.05)
    with pytest.raises(ConfigError, match="cannot be kept"):
        Watch(one, 0.05)
    assert not Watch(one, 0.0).has_alarm
    for count in range(1, 500):
        least = float(least_alarm(count))
        assert can_keep(least, count), "what is said is accepted"
        assert least < 1.02 / (count + 1)


def test_the_statistic_adds_up_absence_and_forgets_presence() -> None:
    value = 0.0
    for logit in (3.0, 3.0, -1.0, -1.0):
        value = next_statistic(value, logit, 0.5)
    assert value == 3.0
    assert next_statistic(value, 9.0, 0.5) == 0
    assert worst_of([3.0, -1.0, -1.0, 8.0, -1.0], 0.5) == 3.0


def test_the_alarm_rings_and_is_silent_again() -> None:
    watch = Watch(judge(), 0.05)
    watch.start(given=True)
    assert (watch.present, watch.rings) == (1.0, False)
    rings = []
    for peak in [0.9] * 5 + [0.01] * 4 + [0.9] * (FOUND_FRAMES + 1):
        watch.look(answer(peak), 0, CROP)
        rings.append(watch.rings)
    assert rings == [False] * 5 + [True] * (4 + FOUND_FRAMES - 1) + [False] * 2
    assert watch.present == pytest.approx(1 / (1 + np.exp(-2 - np.log(9))), abs=1e-4)
    watch.start(given=False)
    assert watch.present is None


def test_lasots_absences_ring_and_their_presence_does_not() -> None:
    """Real absence flags of LaSOT's test half, with scores drawn as a tracker's would be."""
    generator = np.random.default_rng(0)
    flags = _absences()
    assert len(flags) > 200
    videos = [_drawn(name, gone[:600], generator) for name, gone in flags.items()]
    fitting, staying, testing = videos[::6], [*videos[1::3], *videos[3::6]], videos[2::3]
    fitted = fit_judge(fitting, staying, {})
    assert len(fitted.worst) == len(staying) - len(fitting)
    limit = fitted.threshold(0.05)
    rung = [_rung(fitted, one, limit) for one in testing]
    found = alarm_score(rung)
    low, _ = share_interval(found.false, found.videos)
    assert low <= 0.05, "the bound holds as far as so many videos can tell"
    longer = alarm_score([one for one in rung if (~one.seen).sum() >= 10])
    assert longer.leaving > 10, "an absence of a frame or two cannot be told from noise"
    assert longer.noticed >= 0.75 * longer.leaving
    assert longer.delay < 30


def test_the_alarm_is_calibrated_on_videos_that_the_fit_has_not_seen() -> None:
    """The first of those that stay were once used for both, and the bound did not hold for them."""
    generator = np.random.default_rng(0)
    gone = np.arange(60) >= 40
    fitting = [_drawn(f"leaves-{number}", gone, generator) for number in range(3)]
    staying = [_drawn(f"stays-{number}", np.zeros(60, bool), generator) for number in range(8)]
    found = fit_judge(fitting, staying, {})
    apart = [worst_of([found.logit(row) for row in one.features[: one.held]], found.expected)
             for one in staying[3:]]  # fmt: skip
    assert found.worst == sorted(round(one, 4) for one in apart)
    other = [staying[0], *staying[2:4], staying[1], *staying[4:]]
    assert fit_judge(fitting, other, {}).bias != found.bias, "the first ones are in the fit"
    assert fit_judge(fitting, staying[:3], {}).worst == [], "no alarm without videos of its own"


def _absences() -> dict[str, np.ndarray]:
    """Whether each frame of each sequence is without the object."""
    found = {}
    with tarfile.open(shared_file("lasot_test_annotations.tar.xz")) as archive:
        for member in archive:
            if "/absent/" in member.name and member.isfile():
                opened = archive.extractfile(member)
                assert opened is not None
                values = np.array([int(float(one)) for one in opened.read().split()])
                if len(values) > 20 and not values[:START].any():
                    found[Path(member.name).stem] = values.astype(bool)
    return dict(sorted(found.items()))


def _drawn(name: str, gone: np.ndarray, generator: np.random.Generator) -> Watched:
    """Scores that drop where the object is absent, unlike in each video, and alike in time."""
    noise = np.convolve(generator.normal(0, 1.5, len(gone) + 4), np.ones(5) / 5, mode="valid")
    level = generator.normal(1.0, 0.7)
    history, rows = History(), []
    for time in range(len(gone)):
        numbers = np.zeros(len(NAMES))
        numbers[0] = level + noise[time] - 3.5 * gone[time]
        rows.append(history.features(numbers))
        history.add(numbers)
    return Watched(
        name=name, features=np.array(rows), said=np.zeros(len(gone)),
        rings=np.zeros(len(gone), bool), known=np.ones(len(gone), bool), seen=~gone, off=gone,
    )  # fmt: skip


def _rung(fitted: Judge, one: Watched, limit: float) -> Watched:
    value, rings = 0.0, []
    for row in one.features:
        value = next_statistic(value, fitted.logit(row), fitted.expected)
        rings.append(value > limit)
    return Watched(**{**one.__dict__, "rings": np.array(rings)})


def test_a_fit_needs_both_kinds_of_frames() -> None:
    generator = np.random.default_rng(0)
    one = _drawn("stays", np.zeros(30, bool), generator)
    with pytest.raises(DataError, match="frames without it"):
        fit_judge([one], [one], {})


def test_a_lost_object_is_found_elsewhere_in_the_frame() -> None:
    """It leaves, comes back in the far corner, and is found there; without it, it never is."""
    boxes = {}
    for redetect in (False, True):
        options = TrackerOptions(redetect="after_alarm" if redetect else "never", alarm=0.05)
        tracker = Tracker(FindsRed(), options, judge=judge(worst=[3.0] * 30, places=PLACES))
        size = (480, 360)
        home, away = (20.0, 20.0, 24.0, 20.0), (420.0, 300.0, 24.0, 20.0)
        tracker.initialize(frame_with(home, size), home)
        lost = []
        for box in [home] * 3 + [None] * 6 + [away] * 40:
            found = tracker.track(frame_with(box, size))
            lost.append(tracker.lost)
        boxes[redetect] = found.box
        assert not any(lost[:3])
        assert any(lost[3:9])
        assert lost[-1] is not redetect
    assert np.allclose(boxes[True], away, atol=3)
    assert not np.allclose(boxes[False], away, atol=50)


def test_a_search_that_was_asked_for_and_cannot_happen_is_refused(
    track: Callable[..., int], clip: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With an alarm and no numbers for places, ``always`` never searched and said nothing."""
    found = judge()
    monkeypatch.setattr("vl_track.opening.judge_in", lambda *_: found)
    words = [clip, "--box", "30,40,24,20", "--options.redetect", "always", "--save", "b.csv"]
    assert track(*words) != 0
    error = " ".join(capsys.readouterr().err.split())
    assert "--options.redetect always cannot search" in error
    assert not Path("b.csv").exists()
    assert track(*words, "--options.alarm", "0") == 0, "by the score"
    found = judge(places=PLACES)
    assert track(*words, "--overwrite") == 0
    check_asked(judge(worst=[]), TrackerOptions(redetect="always"))
    check_asked(judge(), TrackerOptions())
    check_asked(None, TrackerOptions(redetect="always"))


def test_without_a_judge_nothing_is_told() -> None:
    tracker = Tracker(tiny_network())
    tracker.initialize(frame_with(moving_box(0)), moving_box(0))
    assert tracker.present is None
    tracker.track(frame_with(moving_box(1)))
    assert tracker.present is None
    assert tracker.watch.features is not None, "but a fit can be made"


def test_losses_are_said_and_written(tmp_path: Path) -> None:
    lost = [False, True, True, False, False, True]
    prompt = Prompt((0.0, 0.0, 5.0, 5.0))
    result = TrackResult("clip", (prompt, prompt))
    for frame, flag in enumerate(lost, start=10):
        one = Step(
            frame=frame, time=frame / 25, box=(0, 0, 5, 5), score=0.5, present=0.25, lost=flag
        )
        result.add((one, replace(one, present=None, lost=False)))
    assert result.losses(0) == [(11, 13), (15, None)]
    assert result.losses(1) == []
    said = summary(result, [])
    assert "object 1 lost from frame 11, found again at frame 13\n" in said
    assert "object 1 lost from frame 15, not found again\n" in said
    assert "object 2" not in said
    save_result(tmp_path / "boxes.csv", result)
    rows = list(csv.DictReader((tmp_path / "boxes.csv").read_text().splitlines()))
    assert [row["present"] for row in rows[:2]] == ["0.2500", ""]
    save_result(tmp_path / "boxes.json", result)
    written = json.loads((tmp_path / "boxes.json").read_text())["boxes"]
    assert [row["present"] for row in written[:2]] == [0.25, None]


def test_steps_carry_presence_and_loss_also_over_damaged_frames() -> None:
    home = (20.0, 20.0, 24.0, 20.0)
    tracker = Tracker(FindsRed(), judge=judge(worst=[3.0] * 30))
    images = [frame_with(home)] * 2 + [frame_with(None)] * 4 + [None] + [frame_with(None)]
    frames = [Frame(number, number / 25, image) for number, image in enumerate(images)]
    steps = list(follow(tracker, frames, Prompt(home)))
    assert steps[0].present == 1.0
    assert steps[1].present is not None
    assert steps[1].present > 0.5
    assert [step.lost for step in steps] == [False, False] + [True] * 6
    assert steps[6].damaged
    assert steps[6].present is None


@pytest.mark.parametrize(
    ("option", "said"),
    [("--options.alarm=2", "is no share"), ("--options.alarm=-0.1", "is no share"),
     ("--alarm=2", "is no share"),
     ("--options.alarm=0.1", "needs a model with a calibrated presence"),
     ("--alarm=0.1", "needs a model with a calibrated presence"),
     ("--alarm=0.05", "needs a model with a calibrated presence")],
)  # fmt: skip
def test_an_alarm_that_cannot_be_is_refused(
    option: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only ``--alarm`` was checked, and not the option; then not ``--alarm`` of the default."""
    save_network(tmp_path / "mine", tiny_config(), tiny_network().state_dict())
    clip = write_clip(tmp_path / "clip.mp4")
    words = ["track", str(clip), "--box", "30,40,24,20", option]
    words += ["--device", "cpu"]
    out = ["--weights", str(tmp_path / "mine"), "--save", str(tmp_path / "boxes.csv")]
    assert APP.main([*words, *out]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "boxes.csv").exists()


def test_two_alarms_that_differ_are_refused() -> None:
    assert with_alarm(None, None) is None
    asked = with_alarm(TrackerOptions(redetect="never"), 0.1)
    assert asked == TrackerOptions(alarm=0.1, redetect="never")
    assert with_alarm(TrackerOptions(alarm=0.1), 0.1) == TrackerOptions(alarm=0.1)
    with pytest.raises(ConfigError, match=r"--alarm 0\.2 and --options\.alarm 0\.1 are two"):
        with_alarm(TrackerOptions(alarm=0.1), 0.2)


def test_the_shipped_model_tells_presence_and_has_an_alarm() -> None:
    """Its presence.json fits the weights beside it; on any runtime it is read."""
    found = Judge.read(packaged())
    assert found is not None
    assert len(found.worst) == 52
    assert found.places, "it looks for lost objects"
    for runtime in ("onnx", "torch"):
        tracker = vl_track.load(runtime=runtime, device="cpu")
        assert tracker.judge == found
        assert tracker.watch.has_alarm
        tracker.initialize(frame_with(moving_box(0)), moving_box(0), "the red thing")
        assert tracker.present == 1
        tracker.track(frame_with(moving_box(1)))
        assert tracker.present is not None
        assert 0 < tracker.present < 1
