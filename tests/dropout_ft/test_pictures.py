"""Pictures of every kind become 8-bit RGB; bad ones are named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_ft.data.pictures import read_rgb
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
