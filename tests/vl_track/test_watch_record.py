"""Measuring presence and alarm: single absences, and records that break off and go on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holdfast.errors import ConfigError
from scenes_support import painted_root, small_world, tiny_config, tiny_network
from vl_track.app import APP
from vl_track.commands import presets
from vl_track.digests import digest_of
from vl_track.loading import save_network
from vl_track.scenes.identity import digest_of_scene
from vl_track.scenes.make import make_scene
from vl_track.scoring import watching
from vl_track.scoring.alarms import alarm_lines, alarm_score
from vl_track.scoring.searching import Places
from vl_track.scoring.watch_record import WatchRecord
from vl_track.scoring.watching import Watched
from vl_track.tracking.evidence import FEATURES
from vl_track.tracking.judge import FILE, Judge

FRAMES = "20"


def bits(text: str) -> np.ndarray:
    return np.array([one == "1" for one in text])


def watched(name: str, seen: str, rings: str, **given: Any) -> Watched:
    """A video by its frames after the first; the tracker is off only where the object is gone."""
    count = len(seen)
    known: dict[str, Any] = {
        "features": np.arange(4.0 * count).reshape(count, 4) / 3,
        "said": np.linspace(0.1, 0.9, count),
        "rings": bits(rings), "seen": bits(seen), "known": np.ones(count, bool),
        "off": ~bits(seen),
    }  # fmt: skip
    return Watched(name=name, **{**known, **given})


def test_every_absence_counts_and_how_soon_it_rang() -> None:
    twice = watched("twice", "1100001110000000000001", "0000110000000010000001")
    assert twice.absences == [(2, 6), (9, 21)]
    found = alarm_score([twice, watched("stays", "1111", "0000")])
    assert (found.false, found.videos) == (0, 2)
    assert (found.absences.count, found.absences.rang, found.absences.delay) == (2, 2, 3.5)
    assert (found.long_absences.count, found.long_absences.delay) == (1, 5.0)
    late = alarm_score([watched("late", "110011", "000011")])
    assert (late.absences.count, late.absences.rang) == (1, 0), "it came back before the ring"
    assert late.noticed == 1
    ringing = alarm_score([watched("rings", "110011", "011100")])
    assert (ringing.false, ringing.absences.count) == (1, 0), "it rang already"
    off = watched("off", "110011", "000000", off=bits("011101"))
    assert alarm_score([off]).absences.count == 0, "the tracker had left its object before"


def test_unknown_frames_do_not_end_an_absence() -> None:
    known = bits("1001010001")
    one = watched("clip", "1000000001", "0" * 10, known=known, off=known & ~bits("1000000001"))
    assert one.absences == [(3, 9)]
    assert one.left == 3
    never = watched("never", "00", "00", known=bits("00"), off=bits("00"))
    assert never.absences == []


def test_the_alarm_is_told_with_share_and_interval() -> None:
    found = alarm_score([watched(f"{n}", "1111", "0100" if n < 9 else "0000") for n in range(120)])
    said = alarm_lines(0.05, found)
    assert "false in 9 of 120 videos, 0.075 (95 % interval 0.040 to 0.136)" in said
    assert "rang in 0 of 0 that began" in said
    assert "nan" not in said


def test_what_was_watched_comes_back_as_it_was(tmp_path: Path) -> None:
    world = small_world(painted_root(tmp_path))
    scenes = [replace(make_scene(world, seed), name=f"v{seed}") for seed in range(2)]
    places = Places(np.array([[1 / 3, 0.0, 2.0]]), np.array([True]))
    silent = np.array([np.nan, 0.25])
    kept = [watched("v0", "10", "01", places=places), watched("v1", "11", "00", said=silent)]
    place = tmp_path / "o.json"
    record = WatchRecord(str(place), {"model": "a"})
    record.expect(scenes, "box", search=False)
    for one in kept:
        record.add(one)
    again = WatchRecord(str(place), {"model": "a"}, resume=True)
    again.expect(scenes, "box", search=False)
    for one in kept:
        back = again.take_up(one.name)
        assert back is not None
        for name in ("features", "said", "rings", "known", "seen", "off"):
            assert np.array_equal(getattr(back, name), getattr(one, name), equal_nan=name == "said")
        assert (back.places is None) is (one.places is None)
    assert again.take_up("v2") is None
    for changed, prompt in (({}, "either"), ({"noise_seed": 1}, "box")):
        others = [replace(one, **changed) for one in scenes]
        with pytest.raises(ConfigError, match="is not the one to be tracked now"):
            again.expect(others, prompt, search=False)
    assert WatchRecord(str(place), {"model": "b"}).take_up("v0") is None


@pytest.mark.parametrize(
    "broken",
    ["{", "[]", '{"made": {}}', '{"made": {}, "videos": {"v": {"made": "k"}}}',
     '{"made": {}, "videos": {"v": {"made": "k", "rings": "0", "known": "1", "seen": "1", '
     '"off": "0", "said": [0.5], "features": []}}}',
     '{"made": {}, "videos": {"v": {"made": "k", "rings": "0", "known": "1", "seen": "1", '
     '"off": "0", "said": [NaN], "features": [[1, 2, 3, 4]]}}}'],
)  # fmt: skip
def test_a_file_that_is_no_record_is_not_gone_on_with(tmp_path: Path, broken: str) -> None:
    place = tmp_path / "o.json"
    place.write_text(broken)
    with pytest.raises(ConfigError, match="no record of `vl-track presence`"):
        WatchRecord(str(place), {}, resume=True)
    assert place.read_text() == broken


def test_a_scene_is_known_by_what_is_drawn_and_not_by_where_it_was_read(tmp_path: Path) -> None:
    one, two = (make_scene(small_world(painted_root(tmp_path / name)), 3) for name in "ab")
    assert digest_of_scene(one) == digest_of_scene(two)
    background = one.background.copy()
    background[0, 0, 0] ^= 1
    assert digest_of_scene(replace(one, background=background)) != digest_of_scene(one)
    assert digest_of_scene(replace(one, sentence="another")) != digest_of_scene(one)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """One that has an alarm, of random weights."""
    folder = tmp_path / "mine"
    save_network(folder, tiny_config(), tiny_network().state_dict())
    files = {path.name: digest_of(path) for path in folder.glob("*.safetensors")}
    weights = dict.fromkeys(FEATURES, 0.0) | {"score_now": 1.0}
    judge = Judge(weights=weights, bias=1.0, frames=9, videos=3, worst=[2.0] * 30, files=files)
    judge.write(folder / FILE)
    return folder


@pytest.fixture
def command(root: Path, model: Path) -> list[str]:
    common = ["presence", "--weights", str(model), "--root", str(root), "--emoji", "false"]
    return [*common, "--device", "cpu", "--runtime", "torch", "--frames", FRAMES]


def break_off(monkeypatch: pytest.MonkeyPatch, after: int) -> list[str]:
    """Let Ctrl-C come while the next video after so many is tracked; return which were."""
    tracked: list[str] = []
    real = watching._watch

    def watch(tracker: Any, video: Any, *args: Any, **options: Any) -> Watched:
        if len(tracked) == after:
            raise KeyboardInterrupt
        tracked.append(video.name)
        return real(tracker, video, *args, **options)

    monkeypatch.setattr(watching, "_watch", watch)
    return tracked


def test_a_run_that_breaks_off_goes_on_to_the_same_figures(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, parts = tmp_path / "whole.json", tmp_path / "parts.json"
    asked = [*command, "--count", "2", "--staying", "2", "--prompt", "either"]
    assert APP.main([*asked, "--out", str(whole)]) == 0
    said = capsys.readouterr().out
    with monkeypatch.context() as patch:
        break_off(patch, 3)
        assert APP.main([*asked, "--out", str(parts)]) == 130
    assert "parts.json has 3 videos; --resume goes on" in capsys.readouterr().err
    kept = json.loads(parts.read_text())
    assert len(kept["videos"]) == 3
    assert set(kept) == {"made", "videos"}, "no figures of a part"
    assert APP.main([*asked, "--out", str(parts)]) == 1, "it is not replaced unasked"
    with monkeypatch.context() as patch:
        tracked = break_off(patch, 9)
        assert APP.main([*asked, "--out", str(parts), "--resume", "true"]) == 0
        assert tracked == ["test-standard-101"]
    assert capsys.readouterr().out == said
    assert parts.read_bytes() == whole.read_bytes()


def test_frames_of_another_option_model_or_length_are_never_mixed_in(
    command: list[str], model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.json"
    asked = [*command, "--count", "0", "--staying", "1", "--out", str(out)]
    assert APP.main(asked) == 0
    before = out.read_bytes()
    again = [*asked, "--resume", "true"]
    capsys.readouterr()
    for changed, name in (
        (["--options.alarm", "0.1"], "option alarm"),
        (["--prompt", "box"], "prompt"),
        (["--split", "val"], "split"),
    ):
        assert APP.main([*again, *changed]) == 1
        assert f"made with another {name}, and" in capsys.readouterr().err
    assert APP.main([*again, "--frames", "21"]) == 1
    assert "is not the one to be tracked now" in capsys.readouterr().err
    described = json.loads((model / FILE).read_text())
    (model / FILE).write_text(json.dumps({**described, "bias": 0.5}))
    assert APP.main(again) == 1
    assert "made with another model, and" in capsys.readouterr().err
    assert out.read_bytes() == before


def test_staying_videos_alone_are_counted_and_may_become_more(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first of many are those that fewer gave, so a count of false alarms can be continued."""
    few, many = tmp_path / "few.json", tmp_path / "many.json"
    alone = [*command, "--count", "0", "--staying"]
    assert APP.main([*alone, "2", "--out", str(few)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Alarm 0.05: false in ")
    assert "of 2 videos, " in said
    assert "interval" in said
    assert APP.main([*alone, "3", "--out", str(many)]) == 0
    tracked = break_off(monkeypatch, 9)
    assert APP.main([*alone, "3", "--out", str(few), "--resume", "true"]) == 0
    assert tracked == ["test-standard-102"]
    assert few.read_bytes() == many.read_bytes()
    figures = json.loads(few.read_text())
    assert figures["alarm"]["videos"] == 3
    assert "auroc" not in figures


def test_seeds_from_a_first_one_on_are_those_of_a_longer_list(root: Path) -> None:
    given: dict[str, Any] = {"split": "test", "difficulty": "standard", "emoji": False}
    whole = presets.scenes(str(root), 5, **given)
    part = presets.scenes(str(root), 2, first=3, **given)
    assert [one.name for one in part] == [one.name for one in whole[3:]]
    assert [digest_of_scene(one) for one in part] == [digest_of_scene(one) for one in whole[3:]]


def test_recorded_absences_are_the_videos_absences(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """LaSOT's own layout in; what the tracker is judged by is exactly what is flagged there."""
    frames, gone = np.arange(80), {"cat-1": range(30, 45), "cat-2": range(60, 62), "cat-3": ()}
    for name, times in gone.items():
        folder = tmp_path / "lasot" / "cat" / name
        folder.mkdir(parents=True)
        rows = [f"{100 + 4 * time},{90 + time},50,40\n" for time in frames]
        (folder / "groundtruth.txt").write_text("".join(rows))
        flagged = ",".join(str(int(time in times)) for time in frames)
        zeros = ",".join("0" * len(frames))
        kinds = (flagged, zeros) if name == "cat-1" else (zeros, flagged)
        for kind, text in zip(("out_of_view", "full_occlusion"), kinds, strict=True):
            (folder / f"{kind}.txt").write_text(text)
    out = tmp_path / "o.json"
    asked = [*command, "--frames", "40", "--trajectories", str(tmp_path / "lasot")]
    assert APP.main([*asked, "--count", "3", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "(synthetic pictures) on the tracks of lasot" in said
    assert "Absences: it rang in" in said
    rows = json.loads(out.read_text())["videos"]
    for name, first in (("cat-1", 10), ("cat-2", 40), ("cat-3", 0)):
        expected = "".join(
            str(int(time not in gone[name])) for time in range(first + 1, first + 40)
        )
        assert rows[f"test-{name}-from-{first}"]["seen"] == expected
    assert APP.main([*asked, "--count", "0", "--staying", "9"]) == 1
    assert "give --staying 2" in capsys.readouterr().err
    # It was replaced: the test asked for more tracks than there are, and saw that error.
    for name in ("groundtruth.txt", "full_occlusion.txt"):
        written = tmp_path / "lasot" / "cat" / "cat-1" / name
        before = written.read_bytes()
        for resumed in ("--overwrite", "--resume"):
            assert APP.main([*asked, "--count", "1", "--out", str(written), resumed]) == 1
            assert "is an input and is not replaced" in capsys.readouterr().err
        assert written.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--dataset", "real_clips", "--trajectories", "x", "--frames", FRAMES], "--frames is for"),
        (["--dataset", "real_clips", "--count", "3"], "--count is for videos of Scenes"),
        (["--count", "0"], "give --count or --staying"),
        (["--frames", "5"], "give 20 or more"),
        (["--resume", "true"], "name it with --out"),
        (["--count", "0", "--staying", "2", "--diagram", "d.png"], "nothing for --diagram"),
        (["--staying", "2", "--options.alarm", "0"], "there is no alarm"),
        (["--trajectories", "nowhere"], "no trajectories at nowhere"),
        (["--count", "0", "--split", "val", "--fitted", "f.json"], "give --count"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    more: list[str],
    told: str,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("vl_track.commands.presence.watch_videos", lambda *_: pytest.fail("ran"))
    assert APP.main([*command, *more]) == 1
    assert told in capsys.readouterr().err
