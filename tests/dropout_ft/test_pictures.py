"""Pictures of every kind become 8-bit RGB; bad ones are named."""

import os
import struct
import tracemalloc
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dropout_ft.data.decoding import (
    EXTENSIONS,
    ORIENTATION,
    _decode_deep,
    is_rotated,
    read_rgb,
)
from holdfast.data.image_sizes import tiff_size
from holdfast.errors import ImageError


def save(image: Image.Image, path: Path) -> Path:
    image.save(path)
    return path


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[0, 0] = (255, 0, 0, 255)
    pixels[1, 1] = (0, 0, 0, 128)
    rgb = np.asarray(read_rgb(save(Image.fromarray(pixels, "RGBA"), tmp_path / "alpha.png")))
    assert rgb[0, 0].tolist() == [255, 0, 0]
    assert rgb[0, 1].tolist() == [255, 255, 255]
    assert abs(int(rgb[1, 1, 0]) - 127) <= 1


@pytest.mark.parametrize("mode", ["P", "LA"])
def test_other_transparent_modes(tmp_path: Path, mode: str) -> None:
    if mode == "P":
        image = Image.new("P", (3, 3), 0)
        image.putpalette([9, 9, 9, 200, 10, 10] + [0] * 762)
        image.info["transparency"] = 0
        image.save(tmp_path / "p.png", transparency=0)
        path = tmp_path / "p.png"
    else:
        path = save(Image.new("LA", (3, 3), (10, 0)), tmp_path / "la.png")
    assert np.asarray(read_rgb(path)).min() == 255


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    grey = np.array([[0, 32768, 65535]], dtype=np.uint16)
    rgb = np.asarray(read_rgb(save(Image.fromarray(grey), tmp_path / "deep.png")))
    assert rgb[0, :, 0].tolist() == [0, 127, 255]
    assert rgb.shape == (1, 3, 3)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_fewer_bits_in_files_of_sixteen(
    tmp_path: Path, bits: int, channels: int, suffix: str
) -> None:
    """A19. Was: 12 bits of a camera in a PNG of 16 came out nearly black."""
    top = 2**bits - 1
    deep = np.zeros((4, 6, channels), dtype=np.uint16)
    deep[:, 3:, 0] = top
    deep[..., -1:] = np.where(channels == 4, top, deep[..., -1:])
    assert cv2.imwrite(str(tmp_path / f"x{suffix}"), deep)
    rgb = np.asarray(read_rgb(tmp_path / f"x{suffix}"))
    blue = 2 if channels > 1 else 0  # OpenCV writes blue first
    assert rgb.shape == (4, 6, 3)
    assert (rgb[:, 3:, blue] == 255).all()
    assert (rgb[:, :3] == 0).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 127, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([0.0, 2048.0, 4095.0], [0, 127, 255]),
        ([-1.0, float("nan"), 1.0], [0, 0, 255]),
        ([0.0, 1e6, 2e6], [0, 127, 255]),
    ],
)
def test_floats(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    """A19. Was: a float TIFF in [0, 1] came out black."""
    image = Image.fromarray(np.array([values], dtype=np.float32))
    rgb = np.asarray(read_rgb(save(image, tmp_path / "x.tif")))
    assert rgb[0, :, 0].tolist() == expected


@pytest.mark.parametrize("suffix", [".gif", ".avif", ".webp"])
def test_animations_and_newer_kinds(tmp_path: Path, suffix: str) -> None:
    """A19. Were: skipped without a word."""
    assert suffix in EXTENSIONS
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    more = {"save_all": True, "append_images": [second]} if suffix == ".gif" else {}
    first.save(tmp_path / f"x{suffix}", **more)
    rgb = np.asarray(read_rgb(tmp_path / f"x{suffix}")).astype(int)
    assert np.abs(rgb - [255, 0, 0]).max() < 12, "the first frame"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_rotation_of_the_header_is_a_switch(tmp_path: Path, suffix: str) -> None:
    """A19. DomainBed does not turn pictures, so by default neither do we."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = Image.new("RGB", (16, 8), "red")
    image.paste("blue", (0, 0, 8, 8))
    image.save(tmp_path / f"x{suffix}", exif=exif)
    assert is_rotated(tmp_path / f"x{suffix}")
    assert read_rgb(tmp_path / f"x{suffix}").size == (16, 8)
    turned = read_rgb(tmp_path / f"x{suffix}", exif_rotation=True)
    assert turned.size == (8, 16)
    assert turned.getpixel((4, 2))[2] > 200, "a quarter turn clockwise: left becomes top"
    image.save(tmp_path / f"plain{suffix}")
    assert not is_rotated(tmp_path / f"plain{suffix}")
    assert read_rgb(tmp_path / f"plain{suffix}", exif_rotation=True).size == (16, 8)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    """C3. A PNG of 164 kB can hold 169 million pixels."""
    path = save(Image.new("L", (15_000, 13_000)), tmp_path / "bomb.png")
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(ImageError, match=r"bomb\.png (is too large|has 15000)"):
            read_rgb(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_what_is_no_file(tmp_path: Path) -> None:
    """A16. Was: a pipe in the folder hung for ever."""
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("pipe.png", "."):
        with pytest.raises(ImageError, match="is no file"):
            read_rgb(tmp_path / name)


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "RGB"])
def test_plain_modes(tmp_path: Path, mode: str) -> None:
    suffix = ".jpg" if mode == "CMYK" else ".png"
    image = read_rgb(save(Image.new(mode, (4, 5)), tmp_path / f"x{suffix}"))
    assert (image.mode, image.size) == ("RGB", (4, 5))


def test_truncated_jpeg_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), tmp_path / "cut.jpg")
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ImageError, match=r"cut\.jpg cannot be read.*replace or remove"):
        read_rgb(path)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"text"])
def test_files_that_are_no_pictures(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"bad\.png"):
        read_rgb(path)


def test_absent_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no picture at"):
        read_rgb(tmp_path / "absent.png")


@pytest.mark.parametrize("swapped", [False, True])
def test_a_tiff_that_only_opencv_knows_is_measured_before_it_is_decoded(
    swapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C3's kind. Was: OpenCV was handed the file and allocated whatever its header asks for."""
    kind, folder = (">", b"MM\0*") if swapped else ("<", b"II*\0")
    entries = [(256, 4, 60_000), (257, 4, 50_000), (258, 4, 32)]
    header = folder + struct.pack(f"{kind}IH", 8, len(entries))
    header += b"".join(struct.pack(f"{kind}HHII", tag, of, 1, v) for tag, of, v in entries)
    assert tiff_size(header) == (60_000, 50_000)
    path = tmp_path / "bomb.tif"
    path.write_bytes(header + b"\0" * 4)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ImageError, match=r"60000 x 50000 pixels|cannot be read"):
        _decode_deep(path.read_bytes(), "bomb.tif")
    with pytest.raises(ImageError):
        read_rgb(path)
    for cut in (header[:9], header[:20], b"II*\0" + b"\xff" * 8):
        with pytest.raises(ValueError, match="no header of a TIFF"):
            tiff_size(cut)
