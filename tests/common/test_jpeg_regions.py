"""A region has the whole picture's pixels, or none are given."""

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.test_jpeg import encoded, scenery
from holdfast.data import jpeg_regions
from holdfast.data.jpeg import decode_jpeg, jpeg_size
from holdfast.data.jpeg_regions import LARGEST, NARROWEST, decode_region
from holdfast.optional import find_package

needs_library = pytest.mark.skipif(
    find_package(jpeg_regions.LIBRARY) is None,
    reason="nvImageCodec is not installed",
)


@needs_library
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_region_is_the_whole_pictures_to_the_bit(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 150))
    content = encoded(
        scenery(width, height), quality=data.draw(st.integers(30, 95)),
        subsampling=data.draw(st.sampled_from([0, 1, 2])), progressive=data.draw(st.booleans()),
    )  # fmt: skip
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    found = decode_region(content, left, top, right, bottom)
    if right - left < NARROWEST or (right - left) * (bottom - top) > LARGEST * width * height:
        assert found is None
        return
    whole = decode_jpeg(content)
    assert whole is not None
    assert found is not None
    assert found.dtype == np.uint8
    assert np.array_equal(found, whole[top:bottom, left:right])


@needs_library
def test_it_works_in_a_forked_worker() -> None:
    content = encoded(scenery(120, 90))
    mine = decode_region(content, 10, 20, 50, 60)
    assert mine is not None
    child = os.fork()
    if child == 0:
        again = decode_region(content, 10, 20, 50, 60)
        os._exit(0 if again is not None and np.array_equal(mine, again) else 1)
    assert os.waitpid(child, 0)[1] == 0


@needs_library
def test_it_works_in_threads_and_leaves_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jpeg_regions.CODECS, "mine")
    jpeg_regions._library.cache_clear()
    contents = [encoded(scenery(200, 150, seed)) for seed in range(8)]
    wholes = [decode_jpeg(content) for content in contents]

    def right(number: int) -> bool:
        found, whole = decode_region(contents[number % 8], 20, 30, 90, 99), wholes[number % 8]
        assert whole is not None
        return found is not None and np.array_equal(found, whole[30:99, 20:90])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, range(400)))
    assert os.environ[jpeg_regions.CODECS] == "mine"


@pytest.mark.parametrize(
    "region", [(-1, 0, 20, 20), (0, -1, 20, 20), (0, 0, 121, 5), (0, 0, 5, 91), (9, 9, 9, 20),
               (9, 9, 20, 5)],
)  # fmt: skip
def test_regions_that_leave_the_picture_or_are_empty_are_refused(
    region: tuple[int, int, int, int],
) -> None:
    assert decode_region(encoded(scenery(120, 90)), *region) is None


def test_other_pictures_are_left_to_other_decoders(capfd: pytest.CaptureFixture[str]) -> None:
    picture = scenery(120, 90)
    png = io.BytesIO()
    picture.save(png, "PNG")
    plain = encoded(picture)
    exif = picture.getexif()
    exif[0x0112] = 6
    for content in (
        b"", b"no picture", png.getvalue(), plain[:300], plain[:20] + bytes(2000),
        encoded(picture.convert("CMYK")), encoded(picture, exif=exif),
    ):  # fmt: skip
        assert decode_region(content, 0, 0, 20, 20) is None
    gray = encoded(picture.convert("L"))
    found, whole = decode_region(gray, 5, 5, 20, 20), decode_jpeg(gray)
    assert whole is not None
    assert found is None or np.array_equal(found, whole[5:20, 5:20])
    assert capfd.readouterr() == ("", ""), "damage is the caller's to report"


def test_without_the_library_nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_regions, "LIBRARY", "no.such.library")
    monkeypatch.setattr(jpeg_regions, "_library", jpeg_regions._library.__wrapped__)
    monkeypatch.setattr(jpeg_regions, "_HERE", threading.local())
    assert decode_region(encoded(scenery(120, 90)), 0, 0, 20, 20) is None


@needs_library
@pytest.mark.parametrize("error", [ImportError("libcuda.so"), RuntimeError("no codec")])
def test_a_library_that_does_not_start_is_told_of_and_done_without(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise error

    monkeypatch.setattr("importlib.import_module", refuse)
    monkeypatch.setattr(jpeg_regions, "_HERE", threading.local())
    jpeg_regions._library.cache_clear()
    content = encoded(scenery(120, 90))
    with pytest.warns(UserWarning, match="decoded whole"):
        assert decode_region(content, 0, 0, 20, 20) is None
    assert decode_region(content, 0, 0, 20, 20) is None, "and told once"
    assert jpeg_regions.CODECS not in os.environ
    jpeg_regions._library.cache_clear()


def test_packages_are_found_without_being_imported() -> None:
    assert find_package("json") is not None
    assert find_package("no_such_package") is None
    assert find_package("no_such_package.below") is None


def test_sizes_come_from_the_header() -> None:
    assert jpeg_size(encoded(scenery(120, 90))) == (90, 120)
    assert jpeg_size(b"\xff\xd8\xff") is None
    assert jpeg_size(b"PNG") is None
