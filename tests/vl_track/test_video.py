"""Reading and writing video: order, rotation, damage, odd sizes, nothing half-written."""

import os
import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from holdfast.errors import ConfigError, DataError, DiskError, MissingToolError
from tracking_support import frame_with, moving_box, write_clip, write_pictures
from vl_track.video.contact_sheet import GAP, contact_sheet
from vl_track.video.drawing import draw_estimate
from vl_track.video.frames import DEFAULT_RATE
from vl_track.video.orientation import upright
from vl_track.video.reading import open_source
from vl_track.video.selecting import select_box
from vl_track.video.streams import Camera
from vl_track.video.writing import video_writer


def images(where: Path | str) -> list[np.ndarray | None]:
    return [frame.image for frame in open_source(str(where)).frames()]


def red_centre(picture: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero((picture[..., 0] > 150) & (picture[..., 1] < 90))
    return float(columns.mean()), float(rows.mean())


def test_a_video_gives_all_frames_in_order(tmp_path: Path) -> None:
    source = open_source(str(write_clip(tmp_path / "clip.mp4", 12)))
    frames = images(tmp_path / "clip.mp4")
    assert len(frames) == source.count == 12
    assert source.rate == 10
    assert source.name == "clip"
    for time, frame in enumerate(frames):
        assert frame is not None
        assert frame.dtype == np.uint8
        x, y, width, height = moving_box(time)
        centre = (x + width / 2 - 0.5, y + height / 2 - 0.5)
        assert red_centre(frame) == pytest.approx(centre, abs=1.0)
    assert len(list(source.frames())) == 12


def test_pictures_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["img1.png", "img2.png", "img10.png", "img11.jpg"]
    source = open_source(str(write_pictures(tmp_path / "seq", names)))
    (tmp_path / "seq" / "groundtruth.txt").write_text("1,2,3,4")
    centres = [red_centre(image)[0] for image in images(tmp_path / "seq") if image is not None]
    assert len(centres) == 4
    assert centres == sorted(centres)
    assert source.rate == DEFAULT_RATE


def test_a_damaged_picture_is_none_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "seq", ["1.png", "2.png", "3.png"])
    (folder / "2.png").write_bytes(b"\x89PNG no more")
    frames = images(folder)
    assert [frame is None for frame in frames] == [False, True, False]


def test_a_video_with_a_damaged_middle_still_ends(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 24)
    data = bytearray(path.read_bytes())
    media = data.index(b"mdat")
    start = media + (len(data) - media) // 4
    data[start : start + 600] = os.urandom(600)
    path.write_bytes(bytes(data))
    frames = images(path)
    assert frames
    assert frames[0] is not None
    assert all(frame is None or frame.shape == (120, 160, 3) for frame in frames)


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\0" * 5000])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"clip\.mp4 is not a readable video"):
        open_source(str(path))


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(DataError, match="holds no video stream"):
        open_source(str(path))


def test_missing_and_empty_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no video or folder at"):
        open_source(str(tmp_path / "none.mp4"))
    with pytest.raises(DataError, match="holds no images"):
        open_source(str(tmp_path))


def test_cameras_are_named_as_users_say_them(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = {}
    for word in ("camera", "camera:2", "/dev/video1"):
        source = open_source(word)
        assert isinstance(source, Camera)
        devices[word] = source.device
    assert devices == {
        "camera": "/dev/video0", "camera:2": "/dev/video2", "/dev/video1": "/dev/video1"
    }  # fmt: skip
    with pytest.raises(DataError, match="camera /dev/video77 cannot be opened"):
        next(open_source("camera:77").frames())


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_images_stand_as_their_display_matrix_says(turn: int, mirrored: bool) -> None:
    """B18: a mirrored matrix was taken for a rotation of 180 degrees."""
    stored = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    cosine, sine = round(np.cos(turn * np.pi / 2)), round(np.sin(turn * np.pi / 2))
    # (x, y) goes to (a x + c y, b x + d y): mirrored first, then turned clockwise.
    sign = -1 if mirrored else 1
    matrix = (sign * cosine, sign * sine, -sine, cosine)
    shown = upright(stored, matrix)
    expected = np.rot90(stored[:, ::-1] if mirrored else stored, -turn)
    assert np.array_equal(shown, expected)
    assert shown.flags["C_CONTIGUOUS"]
    assert upright(stored, None) is stored


def patch_matrix(path: Path, *corner: int) -> None:
    """Write a display matrix into the track header (ISO 14496-12, tkhd)."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd")
    # Version 0: 4 + 4 (flags) + 20 + 16 bytes before the nine 32-bit numbers of the matrix.
    matrix = place + 4 + 4 + 20 + 16
    a, b, c, d = (value << 16 & 0xFFFFFFFF for value in corner)
    numbers = (a, b, 0, c, d, 0, 120 << 16, 0, 0x40000000)
    data[matrix : matrix + 36] = b"".join(number.to_bytes(4, "big") for number in numbers)
    path.write_bytes(bytes(data))


def test_a_phones_rotated_video_is_upright(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "phone.mp4", 3)
    (stored, *_) = images(path)
    patch_matrix(path, 0, 1, -1, 0)
    (shown, *_) = images(path)
    assert stored is not None
    assert shown is not None
    assert shown.shape == (160, 120, 3)
    # A matrix of 90 degrees clockwise for display: the left edge comes on top.
    assert np.array_equal(shown, np.rot90(stored, -1))


def test_a_mirrored_video_is_mirrored_and_not_turned(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "front.mp4", 3)
    (stored, *_) = images(path)
    patch_matrix(path, -1, 0, 0, 1)
    (shown, *_) = images(path)
    assert stored is not None
    assert shown is not None
    assert np.array_equal(shown, stored[:, ::-1])


@pytest.mark.parametrize(
    "size", [(160, 120), (161, 121), (33, 20), (2, 2)], ids=lambda s: f"{s[0]}x{s[1]}"
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_what_is_written_can_be_read(tmp_path: Path, size: tuple[int, int], suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    picture = frame_with((4, 4, 12, 10), size)
    with video_writer(path, 25) as writer:
        for _ in range(5):
            writer.write(picture)
    frames = images(path)
    assert len(frames) == 5
    assert frames[0] is not None
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    assert frames[0].shape == (height, width, 3)
    if min(size) > 16:
        assert np.abs(frames[0].astype(int) - picture[:height, :width]).mean() < 6


def test_later_frames_of_another_size_are_fitted(tmp_path: Path) -> None:
    with video_writer(tmp_path / "out.mp4", 25) as writer:
        writer.write(frame_with(None, (64, 48)))
        writer.write(frame_with(None, (100, 80)))
    assert {f.shape for f in images(tmp_path / "out.mp4") if f is not None} == {(48, 64, 3)}


def test_an_interrupted_video_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("the last whole one")

    def interrupted() -> None:
        with video_writer(path, 25) as writer:
            writer.write(frame_with(None))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "the last whole one"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise av.error.OSError(28, "No space left on device")

    monkeypatch.setattr("vl_track.video.writing.VideoWriter.write", full)
    with (
        pytest.raises(DiskError, match=r"out\.mp4 could not be written"),
        video_writer(tmp_path / "out.mp4", 25) as writer,
    ):
        writer.write(frame_with(None))
    assert list(tmp_path.iterdir()) == []


def test_other_formats_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"end it in \.mkv, \.mov, \.mp4"):
        video_writer(tmp_path / "out.gif", 25).__enter__()


def test_estimates_are_drawn_on_a_copy() -> None:
    frame = frame_with(None, (200, 100))
    drawn = draw_estimate(frame, (20, 30, 40, 25), 0.87, "a very long sentence " * 20)
    assert not np.array_equal(drawn, frame)
    assert np.array_equal(frame, frame_with(None, (200, 100)))
    assert drawn[30, 40].tolist() == [40, 220, 60]
    unsure = draw_estimate(frame, (20, 30, 40, 25), 0.1, "", sure=False)
    assert unsure[30, 40].tolist() == [150, 150, 150]
    tiny = draw_estimate(frame_with(None, (4, 4)), (-50, -50, 500, 500), 0.5, "x")
    assert tiny.shape == (4, 4, 3)


@pytest.mark.parametrize("words", ["0.53 present 0.89", "0.53 d\u00e9j\u00e0 vu 0.89"])
def test_labels_lie_on_their_outline_and_inside_the_frame(words: str) -> None:
    """OpenCV 5 writes thick letters wider: the outline lay beside the letters, as a second text.

    A label of a box at the right edge was cut there.
    """
    frame = np.full((576, 768, 3), 200, np.uint8)
    box = (700.0, 300.0, 40.0, 60.0)
    drawn = draw_estimate(frame, box, words, "")
    label = drawn[255:297].astype(int)
    dark = (label.max(axis=2) < 60).any(axis=0).nonzero()[0]
    green = (label[..., 1] - label[..., 0] > 100).any(axis=0).nonzero()[0]
    assert green.min() - 4 <= dark.min()
    assert dark.max() <= green.max() + 4
    assert green.max() < 768 - 1
    assert len(green) > 100
    long = draw_estimate(frame, box, words, "a very long sentence " * 20)
    assert (long[540:570, :740].min(axis=2) > 230).any()
    assert (long[540:570, 766:].astype(int) - 200 == 0).all()


def test_a_contact_sheet_has_every_frame_in_its_place() -> None:
    frames = [np.full((30, 40, 3), 40 * k, np.uint8) for k in range(5)]
    sheet = contact_sheet(frames, columns=2, width=20)
    assert sheet.shape == (3 * (15 + GAP) + GAP, 2 * (20 + GAP) + GAP, 3)
    for place in range(5):
        top = GAP + place // 2 * (15 + GAP)
        left = GAP + place % 2 * (20 + GAP)
        assert (sheet[top : top + 15, left : left + 20] == 40 * place).all()
    with pytest.raises(ValueError, match="needs frames"):
        contact_sheet([], columns=2, width=20)


def test_selecting_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(MissingToolError, match="give --box x,y,w,h instead"):
        select_box(frame_with(None))


def test_selecting_needs_a_window_toolkit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "agg")
    with pytest.raises(MissingToolError, match="window toolkit"):
        select_box(frame_with(None))


@pytest.mark.parametrize("extents", [(10.0, 50.0, 20.0, 60.0), (5.0, 5.0, 9.0, 9.0)])
def test_a_dragged_box_is_returned(
    monkeypatch: pytest.MonkeyPatch, extents: tuple[float, float, float, float]
) -> None:
    class Dragged:
        def __init__(self, *_: object, **__: object) -> None:
            self.extents = extents

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("matplotlib.pyplot.get_backend", lambda: "tkagg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda **_: None)
    monkeypatch.setattr("matplotlib.widgets.RectangleSelector", Dragged)
    if extents[0] == extents[1]:
        with pytest.raises(ConfigError, match="No box was drawn"):
            select_box(frame_with(None))
    else:
        assert select_box(frame_with(None)) == (10, 20, 40, 40)


def test_reading_needs_no_shell_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PyAV brings its own FFmpeg: an empty PATH changes nothing."""
    path = write_clip(tmp_path / "clip.mp4", 2)
    monkeypatch.setenv("PATH", "")
    assert shutil.which("ffmpeg") is None
    assert len(list(open_source(str(path)).frames())) == 2
    assert cv2.imread(str(path)) is None
