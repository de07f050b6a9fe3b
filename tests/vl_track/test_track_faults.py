"""Faults of tracking: odd input, outputs that must lose nothing, runs that end early."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from conftest import REPOSITORY
from holdfast.errors import ConfigError, DataError
from tracking_support import frame_with, moving_box, write_clip, write_pictures
from vl_track.app import APP
from vl_track.commands.track import parse_time
from vl_track.results import read_boxes
from vl_track.tracking.saving import read_tracked
from vl_track.video.reading import open_source
from vl_track.video.streams import Stream

BOX = "30,40,24,20"
Run = Callable[..., int]


TIMES = [0, 0.04, 0.08, 0.4, 0.44, 1.5, 1.54, 4.0]


def write_variable(path: Path, *, sound: bool = False) -> Path:
    """Write the moving rectangle with uneven times, and a tone of the same length."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"crf": "10"}
        audio = container.add_stream("aac", rate=8000, layout="mono") if sound else None
        for index, moment in enumerate(TIMES):
            image = av.VideoFrame.from_ndarray(frame_with(moving_box(index)), "rgb24")
            image.pts, image.time_base = round(moment * 1000), Fraction(1, 1000)
            container.mux(stream.encode(image))
        container.mux(stream.encode())
        if audio is not None:
            tone = np.sin(np.arange(8000 * 4) / 5).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
            frame.sample_rate = 8000
            container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return path


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def test_an_output_never_replaces_the_input(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """B1: ``track a.mp4 --out a.mp4`` replaced the user's video by three frames."""
    before = Path(clip).read_bytes()
    (tmp_path / "link.mp4").symlink_to(clip)
    os.link(clip, tmp_path / "hard.mp4")
    for out in ("clip.mp4", "link.mp4", "hard.mp4", "../" + tmp_path.name + "/clip.mp4"):
        assert track(clip, "--box", BOX, "--out", out, "--overwrite") == 1
        assert "is an input and is not replaced" in capsys.readouterr().err
    assert Path(clip).read_bytes() == before


@pytest.mark.parametrize("option", [("--out", "o.mp4"), ("--save", "b.csv"), ()])
def test_an_existing_output_is_replaced_only_when_asked(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    option: tuple[str, ...],
) -> None:  # fmt: skip
    path = tmp_path / (option[1] if option else "clip_boxes.txt")
    path.write_text("a week's work")
    assert track(clip, "--box", BOX, *option) == 1
    assert f"{path.name} exists: give --overwrite" in capsys.readouterr().err
    assert path.read_text() == "a week's work"
    assert track(clip, "--box", BOX, *option, "--overwrite") == 0
    assert path.read_bytes()[:4] != b"a we"


def test_other_commands_spare_their_inputs_and_outputs(
    track: Run, clip: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track(clip, "--box", BOX) == 0
    words = ("annotate", "clip_boxes.txt", "--video", clip, "--format", "coco", "--out")
    assert APP.main([*words, clip, "--overwrite"]) == 1
    assert APP.main([*words, "clip_boxes.txt", "--overwrite"]) == 1
    assert APP.main([*words, "a.json"]) == 0
    assert APP.main([*words, "a.json"]) == 1
    assert "a.json exists" in capsys.readouterr().err
    example = ("example", "--clip", clip, "--box", BOX, "--out")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "contact_sheet.png").write_text("kept")
    assert APP.main([*example, "d"]) == 1
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["contact_sheet.png"]
    assert APP.main([*example, "d", "--overwrite"]) == 0


def test_a_read_error_midway_keeps_what_was_tracked(
    track: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """B2: 'free some space', a traceback, and nothing kept."""
    path = str(write_clip(tmp_path / "clip.mp4", 24))
    opened = av.open

    class Failing:
        def __init__(self, where: str) -> None:
            self.container = opened(where)
            self.streams, self.format = self.container.streams, self.container.format

        def demux(self, stream: Any) -> Iterator[Any]:
            for number, packet in enumerate(self.container.demux(stream)):
                if number == 16:
                    raise av.error.OSError(5, "Input/output error", path)
                yield packet

        def close(self) -> None:
            self.container.close()

    ordinary = av.open
    monkeypatch.setattr(
        av, "open", lambda where, *a, **k: Failing(where) if where == path and a == () and
        "options" in k else ordinary(where, *a, **k),
    )  # fmt: skip
    monkeypatch.setattr(
        "vl_track.commands.track.open_source",
        lambda where: Stream(name="clip", where=where, time_base=Fraction(1, 12800), rate=10),
    )
    assert track(path, "--box", BOX, "--save", "b.txt", "--out", "o.mp4") == 1
    said = capsys.readouterr().err
    assert "cannot be read beyond frame 15" in said
    assert "Input/output error" in said
    assert "16 frames were tracked before: kept in b.txt and o.mp4." in said
    assert "space" not in said
    assert "Traceback" not in said
    assert len(read_boxes(tmp_path / "b.txt")) == 16
    assert len(times_of(tmp_path / "o.mp4")) == 16


def test_an_unplugged_camera_keeps_what_was_tracked(
    track: Run, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    opened = av.open

    class Unplugged:
        def __enter__(self) -> "Unplugged":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def decode(self, video: int) -> Iterator[Any]:
            with opened(clip) as container:
                for number, frame in enumerate(container.decode(video=video)):
                    if number == 5:
                        raise av.error.OSError(19, "No such device", "/dev/video0")
                    yield frame

    monkeypatch.setattr(
        av, "open",
        lambda where, *a, **k: Unplugged() if where == "/dev/video0" else opened(where, *a, **k),
    )  # fmt: skip
    assert track("camera", "--box", BOX, "--save", "b.csv", "--out", "o.mp4") == 1
    said = capsys.readouterr().err
    assert "The camera /dev/video0 stopped after 5 frames" in said
    assert "No such device" in said
    assert "5 frames were tracked before" in said
    assert len(read_tracked(tmp_path / "b.csv")) == 5
    assert len(times_of(tmp_path / "o.mp4")) == 5


def test_a_full_disk_costs_the_overlay_and_not_the_boxes(
    track: Run, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from vl_track.video.writing import VideoWriter

    written = VideoWriter.write

    def full(self: VideoWriter, image: np.ndarray, moment: float) -> None:
        if moment > 0.45:
            raise av.error.OSError(28, "No space left on device")
        written(self, image, moment)

    monkeypatch.setattr(VideoWriter, "write", full)
    assert track(clip, "--box", BOX, "--save", "b.csv", "--out", "o.mp4") == 1
    said = capsys.readouterr().err
    assert "o.mp4 could not be written" in said
    assert "kept in b.csv." in said
    assert len(read_tracked(tmp_path / "b.csv")) == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.csv", "clip.mp4"]


def test_whatever_unforeseen_ends_a_run_the_boxes_are_kept(
    track: Run, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vl_track.tracking import Tracker

    ordinary, calls = Tracker.track, iter(range(100))

    def failing(self: Tracker, image: np.ndarray) -> object:
        if next(calls) == 4:
            raise RuntimeError("CUDA out of memory")
        return ordinary(self, image)

    monkeypatch.setattr(Tracker, "track", failing)
    with pytest.raises(RuntimeError, match="out of memory"):
        track(clip, "--box", BOX, "--save", "b.csv", "--out", "o.mp4")
    assert len(read_tracked(tmp_path / "b.csv")) == 5
    assert len(times_of(tmp_path / "o.mp4")) == 5


def test_sigterm_keeps_what_was_tracked(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 200)
    program = (
        "import sys, time; import vl_track.opening; from tracking_support import FindsRed\n"
        "from vl_track.app import APP; from vl_track.tracking import Tracker\n"
        "vl_track.opening.open_network = lambda *_, **__: (FindsRed(), 'cpu')\n"
        "ordinary = Tracker.track\n"
        "def slow(self, image):\n    time.sleep(0.05); print('.', flush=True)\n"
        "    return ordinary(self, image)\n"
        "Tracker.track = slow\n"
        f"sys.exit(APP.main(['track', {str(path)!r}, '--box', {BOX!r}, '--save', 'b.csv']))"
    )
    path_to = os.pathsep.join([str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path_to},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "stopped by SIGTERM; what was tracked is kept" in said
    assert 1 < len(read_tracked(tmp_path / "b.csv")) < 200


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rate_keeps_its_times(track: Run, tmp_path: Path, suffix: str) -> None:
    """B3: a clip of 29.5 s gave an overlay of 4.47 s."""
    path = write_variable(tmp_path / f"vfr{suffix}")
    assert track(str(path), "--box", BOX, "--out", "o.mp4", "--save", "b.csv") == 0
    assert times_of(tmp_path / "o.mp4") == pytest.approx(TIMES, abs=1e-3)
    with (tmp_path / "b.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["time"]) for row in rows] == pytest.approx(TIMES, abs=1e-3)
    assert [int(row["frame"]) for row in rows] == list(range(len(TIMES)))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_sound_is_kept_in_time(track: Run, tmp_path: Path, suffix: str) -> None:
    path = write_variable(tmp_path / "loud.mp4", sound=True)
    assert track(str(path), "--box", BOX, "--out", f"o{suffix}") == 0
    assert track(str(path), "--box", BOX, "--out", f"late{suffix}", "--start", "1.5") == 0
    for name, length in (("o", 4.0), ("late", 2.5)):
        with av.open(str(tmp_path / f"{name}{suffix}")) as container:
            sound = list(container.decode(audio=0))
            seconds = sum(frame.samples for frame in sound) / 8000
            assert seconds == pytest.approx(length, abs=0.3), name
            assert np.abs(sound[len(sound) // 2].to_ndarray()).max() > 0.5


def test_start_begins_at_a_time_and_numbers_stay_the_sources(track: Run, tmp_path: Path) -> None:
    path = write_variable(tmp_path / "vfr.mkv")
    x, y, w, h = moving_box(5)
    assert track(str(path), "--box", f"{x},{y},{w},{h}", "--start", "1.2", "--save", "b.csv") == 0
    with (tmp_path / "b.csv").open() as file:
        rows = [(int(row["frame"]), float(row["time"])) for row in csv.DictReader(file)]
    assert rows == [(5, 1.5), (6, 1.54), (7, 4.0)]


def test_every_start_gives_the_frames_of_the_whole_video(tmp_path: Path) -> None:
    """Seeking goes to a key frame before; numbers and images must be those of reading on."""
    path = write_clip(tmp_path / "clip.mp4", 30)
    source = open_source(str(path))
    everything = list(source.frames())
    for start in (0.05, 0.4, 0.79, 1.0, 2.85):
        some = list(source.frames(start))
        expected = [frame for frame in everything if frame.time >= start]
        assert [f[:2] for f in some] == [f[:2] for f in expected]
        assert all(np.array_equal(a.image, b.image) for a, b in zip(some, expected, strict=True))  # type: ignore[arg-type]
    assert list(source.frames(99)) == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("12.5", 12.5), ("1:05", 65), ("1:00:02.5", 3602.5)]
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["-3", "x", "1:2:3:4", "", "nan", "inf"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time"):
        parse_time(text)


def zero_packets(path: Path, *numbers: int) -> None:
    """Overwrite the content of some packets with zeros, as a damaged disk does."""
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    content = bytearray(path.read_bytes())
    for number in numbers:
        position, size = places[number]
        content[position : position + size] = bytes(size)
    path.write_bytes(content)


def test_damaged_packets_have_their_entries(
    track: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """B4: 54 lines for 60 frames, and the overlay shorter, without a word."""
    path = write_clip(tmp_path / "clip.mp4", 24)
    zero_packets(path, 5, 6, 23)
    frames = list(open_source(str(path)).frames())
    assert [f.number for f in frames] == list(range(24))
    assert [f.time for f in frames] == pytest.approx([n / 10 for n in range(24)])
    damaged = [f.number for f in frames if f.image is None]
    assert {5, 6, 23} <= set(damaged)
    assert len(damaged) < 8
    assert track(str(path), "--box", BOX, "--out", "o.mp4", "--save", "b.csv") == 0
    assert f"{len(damaged)} damaged frame(s)" in capsys.readouterr().out
    assert len(times_of(tmp_path / "o.mp4")) == 24
    with (tmp_path / "b.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows if float(row["score"]) == 0] == damaged


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "3"}])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts", ".mov"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_whole_videos_have_no_damaged_frames(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str]
) -> None:
    """Counting packets must not invent frames, in any container, with and without B-frames."""
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for moment in range(20):
            image = av.VideoFrame.from_ndarray(frame_with(moving_box(moment)), "rgb24")
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    frames = list(open_source(str(path)).frames())
    assert [frame.number for frame in frames] == list(range(20))
    assert all(frame.image is not None for frame in frames)
    times = [frame.time - frames[0].time for frame in frames]
    assert times == pytest.approx([number / 10 for number in range(20)], abs=2e-3)


def test_mp4_without_presentation_times_is_read_in_order(tmp_path: Path) -> None:
    """OpenCV's sample clips are written so: decoding times with B-frames, which jump back."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "3"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        images = [frame_with(moving_box(moment)) for moment in range(40)]
        packets = [p for i in images for p in stream.encode(av.VideoFrame.from_ndarray(i, "rgb24"))]
        packets += stream.encode()
        first = packets[0].dts
        for packet in packets:
            packet.pts = packet.dts = packet.dts - first
            container.mux(packet)
    with av.open(str(path)) as container:
        stored = [frame.pts for frame in container.decode(video=0)]
    assert stored != sorted(stored), "else the clip tests nothing"
    frames = list(open_source(str(path)).frames())
    assert [frame.number for frame in frames] == list(range(40))
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(40)], abs=2e-3)
    for frame, image in zip(frames, images, strict=True):
        assert frame.image is not None
        assert np.abs(frame.image.astype(int) - image).mean() < 3
    later = list(open_source(str(path)).frames(2.0))
    assert [frame.number for frame in later] == list(range(20, 40))


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_hidden_frames_of_webm_are_not_damage(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "clip.webm"
    options = {"auto-alt-ref": "1", "lag-in-frames": "10", "cpu-used": "8", "deadline": "realtime"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for moment in range(24):
            image = av.VideoFrame.from_ndarray(frame_with(moving_box(moment)), "rgb24")
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    frames = list(open_source(str(path)).frames())
    assert len(frames) == 24
    assert all(frame.image is not None for frame in frames)


def test_an_empty_image_in_a_folder_has_its_entry(track: Run, tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "seq", [f"{n}.png" for n in range(1, 8)])
    (folder / "3.png").write_bytes(b"")
    assert track(str(folder), "--box", BOX, "--out", "o.mp4", "--save", "b.csv") == 0
    assert len(read_tracked(tmp_path / "b.csv")) == 7
    assert len(times_of(tmp_path / "o.mp4")) == 7


def test_boxes_in_csv_json_and_text(track: Run, clip: str, tmp_path: Path) -> None:
    for name in ("b.csv", "b.json", "b.txt"):
        assert track(clip, "--box", BOX, "--text", "the red thing", "--save", name) == 0
    assert (tmp_path / "b.csv").read_text().splitlines()[:2] == [
        "frame,time,object,x,y,width,height,score,present",
        "0,0.000000,1,30.000,40.000,24.000,20.000,1.0000,1.0000",
    ]
    content = json.loads((tmp_path / "b.json").read_text())
    assert content["objects"] == [{"object": 1, "text": "the red thing", "box": [30, 40, 24, 20]}]
    assert len(content["boxes"]) == 12
    assert content["boxes"][3]["frame"] == 3
    assert content["boxes"][3]["time"] == 0.3
    assert 0 < content["boxes"][3]["score"] < 1
    assert len((tmp_path / "b.txt").read_text().splitlines()[0].split(",")) == 4
    found = [read_tracked(tmp_path / name) for name in ("b.csv", "b.json", "b.txt")]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_other_endings_are_refused_before_any_work(
    track: Run, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track(clip, "--box", BOX, "--save", "b.xlsx") == 1
    assert "end it in .csv, .json, .txt" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "frame,x\n1,2\n", "frame,time,object,x,y,width,height\n"])
def test_files_that_hold_no_tracked_boxes(tmp_path: Path, content: str) -> None:
    for name in ("b.csv", "b.json"):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            read_tracked(tmp_path / name)


def test_annotations_are_made_of_every_format(track: Run, clip: str, tmp_path: Path) -> None:
    for name in ("b.csv", "b.json", "b.txt"):
        assert track(clip, "--box", BOX, "--save", name) == 0
        words = ("--video", clip, "--format", "mot", "--out", f"{name}.mot")
        assert APP.main(["annotate", name, *words]) == 0
    found = {(tmp_path / f"{name}.mot").read_text() for name in ("b.csv", "b.json", "b.txt")}
    assert len(found) == 1


@pytest.mark.parametrize("text", ["красная чашка", "42", "🐈", "zyzzyva"])
def test_a_text_the_model_does_not_know_names_nothing(
    track: Run, clip: str, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """B6: such texts were dropped in silence, and something was tracked."""
    assert track(clip, "--text", text) == 1
    said = capsys.readouterr().err
    assert "cannot name the object" in said
    assert "does not know" in said
    assert "give a box, or other words" in said


@pytest.mark.parametrize("spelling", [("--box", "-10,30,34,30"), ("--box=-10,30,34,30",)])
def test_a_box_that_begins_with_a_minus(
    track: Run, clip: str, tmp_path: Path, spelling: tuple[str, ...]
) -> None:
    """B18: 'expected one argument'."""
    assert track(clip, *spelling) == 0
    assert read_boxes(tmp_path / "clip_boxes.txt")[0].tolist() == [0, 30, 24, 30]


def test_no_frames_are_refused_by_name(
    track: Run, clip: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """B18: --max_frames 0 said 'cannot be decoded'."""
    assert track(clip, "--box", BOX, "--max_frames", "0") == 1
    assert "--max_frames 0 leaves nothing to track" in capsys.readouterr().err
    assert track(clip, "--box", BOX, "--start", "99") == 1
    assert "clip has no frame after 99 s" in capsys.readouterr().err
