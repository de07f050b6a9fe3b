"""The fast decoder gives Pillow's and OpenCV's very pixels, or leaves the file to them."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from dropout_ft.data.decoding import read_rgb
from holdfast.data import jpeg
from holdfast.data.jpeg import decode_jpeg, read_jpeg, shrinking
from holdfast.errors import ImageError
from vl_track.data.images import read_image


def scenery(width: int, height: int, seed: int = 0) -> Image.Image:
    """A smooth colourful picture with some noise, as photographs are."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = smooth + generator.integers(-8, 9, smooth.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def encoded(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def by_pillow(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90), st.integers(1, 90), st.sampled_from([0, 1, 2]), st.integers(30, 95),
    st.sampled_from(["RGB", "L"]), st.booleans(),
)  # fmt: skip
def test_pixels_are_pillows_and_opencvs(
    width: int, height: int, subsampling: int, quality: int, mode: str, progressive: bool
) -> None:
    content = encoded(
        scenery(width, height).convert(mode), quality=quality, progressive=progressive,
        **({"subsampling": subsampling} if mode == "RGB" else {}),
    )  # fmt: skip
    found = decode_jpeg(content)
    assert found is not None
    assert np.array_equal(found, by_pillow(content))
    opencv = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert opencv is not None
    assert np.array_equal(found, opencv[..., ::-1])


@settings(max_examples=40, deadline=None)
@given(st.integers(64, 300), st.integers(64, 300), st.sampled_from([2, 4, 8]))
def test_a_shrunk_picture_is_the_picture_made_smaller(width: int, height: int, shrink: int) -> None:
    content = encoded(scenery(width, height))
    found = decode_jpeg(content, shrink=shrink)
    assert found is not None
    assert found.shape == (-(-height // shrink), -(-width // shrink), 3)
    whole = by_pillow(content)
    rows, columns = height // shrink, width // shrink
    cut = whole[: rows * shrink, : columns * shrink].astype(float)
    means = cut.reshape(rows, shrink, columns, shrink, 3).mean(axis=(1, 3))
    assert np.abs(means - found[:rows, :columns]).mean() < 4


@pytest.mark.parametrize(
    ("side", "least", "factor"),
    [
        (720, 360, 2),
        (720, 361, 1),
        (720, 180, 4),
        (720, 90, 8),
        (720, 1, 8),
        (5, 9, 1),
    ],
)
def test_shrinking(side: int, least: int, factor: int) -> None:
    assert shrinking(side, least) == factor


def test_what_it_does_not_read_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = scenery(40, 30)
    turned = Image.Exif()
    turned[0x0112] = 6
    assert decode_jpeg(encoded(picture, exif=turned)) is None, "OpenCV turns it, Pillow does not"
    assert decode_jpeg(encoded(picture.convert("CMYK"))) is None
    assert decode_jpeg(b"") is None
    assert decode_jpeg(b"\x89PNG\r\n") is None
    content = encoded(picture)
    for cut in (3, 20, len(content) // 2, len(content) - 3):
        assert decode_jpeg(content[:cut]) is None
    monkeypatch.setattr(jpeg, "MOST_PIXELS", 1000)
    assert decode_jpeg(content) is None, "a bomb is Pillow's to refuse"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    content = bytearray(encoded(scenery(24, 18)))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = decode_jpeg(bytes(content))
    assert found is None or (found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3)


def test_both_tracks_read_through_it_and_still_tell_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    content = encoded(scenery(64, 48))
    path.write_bytes(content)
    expected = by_pillow(content)
    assert np.array_equal(np.asarray(read_rgb(path)), expected)
    assert np.array_equal(read_image(path), expected)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"a\.jpg cannot be read"):
        read_rgb(path)
    assert read_jpeg(tmp_path / "none.jpg") is None
    with pytest.raises(ImageError, match="is missing"):
        read_image(tmp_path / "none.jpg")


def test_a_turned_picture_is_read_as_before(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    path = tmp_path / "turned.jpg"
    path.write_bytes(encoded(scenery(64, 48), exif=turned))
    assert read_rgb(path).size == (64, 48), "as torchvision's ImageFolder: not turned"
    assert read_image(path).shape == (64, 48, 3), "as OpenCV: turned"
