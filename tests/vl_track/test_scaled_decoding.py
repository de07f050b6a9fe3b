"""Crops from frames decoded at a fraction of their size, and the release's map back."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import ImageError
from tracking_support import FindsRed, frame_with, moving_box
from vl_track.data.file_video import FileVideo
from vl_track.data.geometry import Window, around_exactly, window_around
from vl_track.data.images import crop_image, decode_image, read_image
from vl_track.data.pairs import PairOptions
from vl_track.data.video import crop_frame, crop_shrunk


def smooth_frame(width: int = 320, height: int = 240) -> np.ndarray:
    """A ramp in red and green, so that a place can be read off the colour."""
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    frame[..., 0] = np.linspace(20, 240, width).astype(np.uint8)
    frame[..., 1] = np.linspace(20, 240, height).astype(np.uint8)[:, None]
    frame[..., 2] = 128
    return frame


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-60, 200), st.integers(-60, 150), st.integers(64, 256), st.sampled_from([2, 4]),
)  # fmt: skip
def test_a_crop_of_the_shrunk_frame_is_the_crop_of_the_frame(
    left: int, top: int, side: int, shrink: int
) -> None:
    frame = smooth_frame()
    small = frame.reshape(240 // shrink, shrink, 320 // shrink, shrink, 3).mean(axis=(1, 3))
    window = Window(left, top, side)
    whole = crop_frame(frame, window, 32).astype(int)
    found = crop_shrunk(small.round().astype(np.uint8), window, 32, shrink).astype(int)
    inside = (whole[..., 2] == 128) & (found[..., 2] == 128)
    assert np.abs(whole - found)[inside].max(initial=0) <= 3
    # The border of the frame falls into the same cell, or the next.
    assert (inside == (whole[..., 2] > 0)).mean() > 0.85


def test_a_shrunk_crop_does_not_alias() -> None:
    frame = np.zeros((240, 320, 3), dtype=np.uint8)
    frame[:, 1::4] = 255
    small = frame.reshape(60, 4, 80, 4, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    window = Window(40, 40, 128)
    assert np.abs(crop_shrunk(small, window, 32, 4).astype(int) - 64).max() <= 1
    assert np.abs(crop_frame(frame, window, 32).astype(int) - 64).max() > 50, "the release's does"


@pytest.fixture
def video(tmp_path: Path) -> FileVideo:
    path = tmp_path / "00000001.jpg"
    cv2.imwrite(str(path), smooth_frame()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return FileVideo(
        name="v",
        images=(path,),
        boxes=np.array([[10.0, 10, 50, 50]]),
        visibility=np.array([True]),
    )


def test_a_video_decodes_what_the_crop_needs(
    video: FileVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vl_track.data import file_video

    asked: list[int] = []
    decode = file_video.decode_jpeg
    monkeypatch.setattr(
        file_video, "decode_jpeg",
        lambda content, shrink=1: asked.append(shrink) or decode(content, shrink=shrink),
    )  # fmt: skip
    scaled = replace(video, scaled=True)
    for side, size, expected in ((200, 25, 8), (200, 50, 4), (200, 100, 2), (200, 101, 1)):
        asked.clear()
        window = Window(20, 20, side)
        found = scaled.crop(0, window, size).astype(int)
        assert asked == ([expected] if expected > 1 else []), "1: the whole frame, as ever"
        assert np.abs(found - video.crop(0, window, size)).mean() < 3
    asked.clear()
    video.crop(0, Window(20, 20, 200), 25)
    assert asked == [], "off by default"


def test_other_files_are_decoded_whole(video: FileVideo, tmp_path: Path) -> None:
    path = tmp_path / "00000001.png"
    cv2.imwrite(str(path), smooth_frame()[..., ::-1])
    other = replace(video, images=(path,), scaled=True)
    window = Window(20, 20, 200)
    assert np.array_equal(
        other.crop(0, window, 25), replace(other, scaled=False).crop(0, window, 25)
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(-150, 350), st.integers(-150, 250), st.integers(1, 400), st.integers(8, 64))
def test_decoding_only_the_window_changes_no_pixel(
    tmp_path_factory: pytest.TempPathFactory, left: int, top: int, side: int, size: int
) -> None:
    """Windows inside, across the border, around the whole frame, outside."""
    path = tmp_path_factory.getbasetemp() / "noisy.jpg"
    if not path.is_file():
        noise = np.random.default_rng(0).integers(-20, 21, (240, 320, 3))
        noisy = np.clip(smooth_frame().astype(int) + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(path), noisy, [cv2.IMWRITE_JPEG_QUALITY, 80])
    window = Window(left, top, side)
    found = crop_image(path, window, size)
    assert np.array_equal(found, crop_frame(read_image(path), window, size))


def test_a_png_whose_lengths_lie_is_refused_before_opencv_believes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenCV fills gigabytes for a chunk or a size that is not there: seconds for each file."""
    whole = cv2.imencode(".png", smooth_frame(40, 30)[..., ::-1])[1].tobytes()
    assert np.array_equal(decode_image(whole + b"behind the end", "x"), smooth_frame(40, 30))
    chunk = whole.index(b"IDAT") - 4
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("OpenCV was asked"))
    for lying in (
        whole[:chunk] + b"\xf0" + whole[chunk + 1 :],
        whole[:16] + (b"\x00\x00\x7f\xff" * 2) + whole[24:],
        whole[:16] + bytes(8) + whole[24:],
        whole[:-20], whole[:10],
    ):  # fmt: skip
        with pytest.raises(ImageError, match="x is damaged"):
            decode_image(lying, "x")


def test_missing_and_damaged_pictures_are_told_of_as_ever(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is missing"):
        crop_image(tmp_path / "none.jpg", Window(0, 0, 20), 8)
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(ImageError, match="is damaged"):
        crop_image(tmp_path / "bad.jpg", Window(0, 0, 20), 8)


def test_the_switch_is_an_option_of_pairs() -> None:
    assert not PairOptions().scaled_decoding


def test_a_window_around_exactly_differs_by_less_than_a_pixel() -> None:
    box = (10.3, 20.7, 33.4, 21.2)
    rounded = window_around(box, 4.0)
    exact = around_exactly(box, rounded.side)
    assert exact.side == rounded.side
    assert exact.left + exact.side / 2 == pytest.approx(10.3 + 33.4 / 2)
    assert abs(exact.left - rounded.left) <= 0.5
    assert abs(exact.top - rounded.top) <= 0.5


def test_the_release_maps_back_as_if_the_window_had_not_moved() -> None:
    from vl_track.finding import Conventions
    from vl_track.tracking import Tracker

    start = moving_box(0)
    box = (start[0] + 0.3, start[1] + 0.3, *start[2:])
    found = {}
    for unrounded in (False, True):
        network = FindsRed()
        network.conventions = Conventions(unrounded_corner=unrounded)
        tracker = Tracker(network)
        tracker.initialize(frame_with(start), box)
        found[unrounded] = tracker.track(frame_with(moving_box(1))).box
    window = window_around(box, 4.0)
    shift = around_exactly(box, window.side).left - window.left
    assert found[True][0] - found[False][0] == pytest.approx(shift, abs=1e-4)
    assert shift != 0
