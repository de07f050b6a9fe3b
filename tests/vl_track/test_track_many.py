"""Addresses, devices, several videos and several objects in one command; what is drawn."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from holdfast.errors import ConfigError, DataError
from tracking_support import frame_with, moving_box, write_clip, write_pictures
from vl_track.app import APP
from vl_track.commands.track import make_prompts
from vl_track.results import read_boxes
from vl_track.tracking import Prompt, Step
from vl_track.tracking.saving import read_tracked
from vl_track.tracking.video import draw_steps
from vl_track.video.drawing import COLOURS, GREY, draw_estimate
from vl_track.video.folders import open_folder

BOX = "30,40,24,20"
Run = Callable[..., int]


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def test_hidden_files_of_macos_are_no_frames(track: Run, tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "seq", ["1.jpg", "2.jpg"])
    for name in ("._1.jpg", "._2.jpg"):
        (folder / name).write_bytes(b"\0\5\x16\7")
    assert track(str(folder), "--box", BOX, "--save", "b.csv") == 0
    assert len(read_tracked(tmp_path / "b.csv")) == 2


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_more_than_eight_bits_are_not_black(tmp_path: Path, bits: int) -> None:
    folder = tmp_path / "seq"
    folder.mkdir()
    image = frame_with(moving_box(0))
    for number in range(3):
        deep = image.astype(np.uint16) << (bits - 8)
        cv2.imwrite(str(folder / f"{number}.png"), deep[..., ::-1])
    source = open_folder(folder)
    for frame in source.frames():
        assert np.array_equal(frame.image, image)  # type: ignore[arg-type]
    assert bool(source.remarks) == (bits < 16)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve the folder over HTTP."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    one = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{one.server_port}"
    one.shutdown()
    one.server_close()


def test_an_address_is_a_source(
    track: Run, clip: str, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """B18: 'no video at http:/...'."""
    assert Path(clip).is_file()
    assert track(f"{server}/clip.mp4", "--box", BOX, "--save", "b.csv") == 0
    assert len(read_tracked(tmp_path / "b.csv")) == 12
    assert track(f"{server}/none.mp4", "--box", BOX, "--save", "c.csv") == 1
    assert "check the address" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["gpu0", "cuda:77", "mps"])
def test_a_device_that_is_not_there_is_one_sentence(
    clip: str, capsys: pytest.CaptureFixture[str], device: str
) -> None:
    assert APP.main(["track", clip, "--box", BOX, "--device", device]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert device in said


def test_several_videos_in_one_command(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(write_clip(tmp_path / "other.mp4", 5))
    assert track(clip, other, "--box", BOX, "--save", "b.csv") == 1
    assert "write {name} in it" in capsys.readouterr().err
    places = ("--save", "t/{name}.csv", "--out", "t/{name}.mkv")
    assert track(clip, other, "--box", BOX, *places) == 0
    assert len(read_tracked(tmp_path / "t/clip.csv")) == 12
    assert len(read_tracked(tmp_path / "t/other.csv")) == 5
    assert len(times_of(tmp_path / "t/other.mkv")) == 5
    assert track(clip, clip, "--box", BOX, "--save", "u/{name}.csv") == 1
    assert "named as two outputs" in capsys.readouterr().err


def test_several_objects_in_one_run(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """B18: the last of two boxes won."""
    words = ("--box", BOX, "--box", "100,80,20,20", "--text", "the red thing", "--text", "")
    assert track(clip, *words, "--out", "o.mp4", "--save", "b.json") == 0
    content = json.loads((tmp_path / "b.json").read_text())
    assert [one["object"] for one in content["objects"]] == [1, 2]
    assert [one["text"] for one in content["objects"]] == ["the red thing", ""]
    assert len(content["boxes"]) == 24
    assert read_tracked(tmp_path / "b.json", 2)[0].tolist() == [100, 80, 20, 20]
    with pytest.raises(DataError, match="no boxes of object 3"):
        read_tracked(tmp_path / "b.json", 3)
    assert track(clip, *words, "--save", "c.txt") == 0
    assert read_boxes(tmp_path / "c_1.txt")[0].tolist() == [30, 40, 24, 20]
    assert read_boxes(tmp_path / "c_2.txt")[0].tolist() == [100, 80, 20, 20]
    capsys.readouterr()
    assert track(clip, *words, "--save", "c.txt") == 1
    assert "c_1.txt exists" in capsys.readouterr().err


def test_objects_have_colours_and_ids_in_the_overlay() -> None:
    image = frame_with(None, (300, 200))
    boxes = [(20.0, 60.0, 40.0, 40.0), (150.0, 60.0, 40.0, 40.0)]
    steps = [Step(frame=0, time=0, box=box, score=0.9) for box in boxes]
    drawn = draw_steps(image, steps, [Prompt(text="a cup"), Prompt(text="a dog")], 0.2)
    assert [tuple(drawn[100, x]) for x in (40, 170)] == list(COLOURS[:2])
    one = draw_steps(image, steps[:1], [Prompt(text="a cup")], 0.2)
    assert not np.array_equal(drawn[:, :140], one[:, :140]), "several objects have their ids"
    unsure = draw_steps(image, [replace(steps[0], score=0.1)], [Prompt()], 0.2)
    assert tuple(unsure[100, 40]) == GREY


def test_boxes_and_texts_pair() -> None:
    two = make_prompts([BOX, "1,2,3,4"], [])
    assert [prompt.box for prompt in two] == [(30, 40, 24, 20), (1, 2, 3, 4)]
    assert [prompt.text for prompt in make_prompts([], ["a cup", "a dog"])] == ["a cup", "a dog"]
    with pytest.raises(ConfigError, match="2 boxes and 1 texts do not pair"):
        make_prompts([BOX, BOX], ["the cup"])
    with pytest.raises(ConfigError, match="The prompt is empty"):
        make_prompts([], ["the cup", " "])
    with pytest.raises(ConfigError, match="--select draws the box of one object"):
        make_prompts([BOX], [], select=True)


def test_a_live_window_shows_frames_and_closing_it_ends_the_run(
    track: Run, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert track(clip, "--box", BOX, "--show", "--save", "b.csv") == 1
    assert "--show needs a display and this session has none" in capsys.readouterr().err
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "tkagg")
    monkeypatch.setattr("matplotlib.pyplot.pause", lambda _: None)
    monkeypatch.setattr(
        "matplotlib.backend_bases.FigureManagerBase.set_window_title", lambda *_: None
    )
    closed = iter([True, True, True, False])
    monkeypatch.setattr("matplotlib.pyplot.fignum_exists", lambda _: next(closed))
    assert track(clip, "--box", BOX, "--show", "--save", "b.csv") == 0
    assert len(read_tracked(tmp_path / "b.csv")) == 4
    assert "stopped by the user" in capsys.readouterr().out


def test_an_annotation_is_not_made_of_boxes_that_begin_later(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track(clip, "--box", BOX, "--start", "0.5", "--save", "b.csv") == 0
    words = ("--video", clip, "--format", "coco", "--out", "a.json")
    assert APP.main(["annotate", "b.csv", *words]) == 1
    assert "begins at frame 5 of its video" in capsys.readouterr().err
    assert not (tmp_path / "a.json").exists()


def test_texts_of_any_script_are_drawn() -> None:
    """B6: OpenCV's font wrote a question mark for every such letter."""
    image = frame_with(None, (300, 200))
    drawn = [
        draw_estimate(image, (20, 60, 40, 40), 0.5, text) for text in ("grün", "grun", "gr??n")
    ]
    assert not np.array_equal(drawn[0], drawn[1])
    cyrillic = [draw_estimate(image, (20, 60, 40, 40), 0.5, text) for text in ("кот", "пёс")]
    assert not np.array_equal(*cyrillic)
    assert np.array_equal(image, frame_with(None, (300, 200)))


def test_a_small_box_stays_small_at_the_start(track: Run, clip: str, tmp_path: Path) -> None:
    assert track(clip, "--box", "40,50,3,3", "--save", "b.csv") == 0
    assert read_tracked(tmp_path / "b.csv")[0].tolist() == [40, 50, 3, 3]
