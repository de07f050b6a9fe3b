"""Sizes by the header: bombs are told before anything is decoded, whole images are let through."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from holdfast.data.image_sizes import may_be_decoded


def encoded(ending: str, side: int = 8) -> bytes:
    done, found = cv2.imencode(ending, np.full((side, side, 3), 90, np.uint8))
    assert done
    return found.tobytes()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one row."""
    parts = []
    for name, data in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(10))), (b"IEND", b""),
    ):  # fmt: skip
        parts.append(struct.pack(">I", len(data)) + name + data)
        parts.append(struct.pack(">I", zlib.crc32(name + data)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_whole_images_may_be_decoded(ending: str) -> None:
    assert may_be_decoded(encoded(ending))


def test_a_bomb_is_told_by_its_header() -> None:
    assert may_be_decoded(png_header(100, 100))
    assert not may_be_decoded(png_header(60_000, 60_000))
    assert not may_be_decoded(png_header(0, 4))
    bmp = bytearray(encoded(".bmp"))
    bmp[18:26] = struct.pack("<ii", 50_000, 50_000)
    assert not may_be_decoded(bytes(bmp))
    tiff = b"II*\0" + struct.pack("<IH", 8, 2)
    tiff += struct.pack("<HHII", 256, 4, 1, 60_000) + struct.pack("<HHII", 257, 4, 1, 60_000)
    assert not may_be_decoded(tiff)
    gif = io.BytesIO()
    Image.new("P", (3, 3)).save(gif, "GIF")
    huge = bytearray(gif.getvalue())
    huge[6:10] = struct.pack("<HH", 65_000, 65_000)
    assert not may_be_decoded(bytes(huge))


def test_cut_headers_are_refused_and_unknown_files_left_to_the_decoder() -> None:
    assert not may_be_decoded(encoded(".png")[:40])
    assert not may_be_decoded(b"II*\0")
    assert may_be_decoded(b"no image at all")
