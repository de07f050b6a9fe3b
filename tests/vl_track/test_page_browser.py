"""The tracking page in headless Chromium: both widths, light and dark, mouse and touch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the page's extra is not installed")

from page_support import WIDTHS, Served, chromium, needs_chromium, served, until, visitor
from tracking_support import moving_box, write_clip
from vl_track.results import read_boxes

pytestmark = [pytest.mark.nightly, needs_chromium]
COUNT = 60


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "red.mp4", count=COUNT, size=(320, 240))


@pytest.fixture(scope="module")
def page() -> Iterator[Served]:
    with served("track", "--delay", "0.03") as found:
        yield found
        assert found.said.read_text() == "", "no terminal traceback"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(params=WIDTHS, ids=lambda one: f"{one[0]}-{one[2]}")
def view(request: pytest.FixtureRequest, browser: Any, page: Served) -> Iterator[Any]:
    width, height, scheme = request.param
    with visitor(browser, page.address, width, height, scheme) as found:
        yield found


def give(view: Any, clip: Path) -> None:
    view.set_input_files("#file", str(clip))
    view.wait_for_selector("#work:visible")
    view.wait_for_selector("#kept:has-text('60 frames')")


def corners(view: Any, box: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a box of the clip lies in the window."""
    shown = view.locator("#picture").bounding_box()
    times = shown["width"] / 320
    x, y, w, h = box
    return (
        (shown["x"] + x * times, shown["y"] + y * times),
        (shown["x"] + (x + w) * times, shown["y"] + (y + h) * times),
    )


def drag(view: Any, box: Any, during: Any = lambda: None) -> None:
    start, end = corners(view, box)
    view.mouse.move(*start)
    view.mouse.down()
    view.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    view.mouse.move(*end)
    during()
    view.mouse.up()


def tracked(view: Any) -> None:
    view.wait_for_selector("#status:has-text('Tracked.')", timeout=60_000)


def boxes(view: Any) -> Any:
    with view.expect_download() as download:
        view.click("#get-boxes")
    return read_boxes(Path(download.value.path()))


def pixels(view: Any) -> str:
    """What is painted on the picture now."""
    return str(view.evaluate("document.querySelector('#picture').toDataURL()"))


def fits(view: Any) -> None:
    """Nothing is wider than the window, and the controls are above the fold."""
    width, height = view.viewport_size["width"], view.viewport_size["height"]
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    button = "#track" if view.is_visible("#track") else "#stop"
    for name in ("#picture", "#slider", "#sentence", button):
        box = view.locator(name).bounding_box()
        assert box["y"] + box["height"] <= height, f"{name} is below the fold"


def test_drag_track_correct_reload_and_take_home(view: Any, clip: Path) -> None:
    """Was: dragging did nothing, silently; and a reload lost everything."""
    give(view, clip)
    fits(view)
    shown = view.locator("#picture").bounding_box()
    assert shown["width"] >= min(320, view.viewport_size["width"] - 40), "small clips shown large"
    before = pixels(view)
    bands: list[str] = []
    drag(view, (2, 2, 12, 12), lambda: bands.append(pixels(view)))
    assert bands[0] != before, "a rubber band is drawn while dragging"
    view.click("#track")
    tracked(view)
    fits(view)
    assert np.abs(boxes(view)[40] - moving_box(40)).max() > 15, "it follows something else"
    view.fill("#number", "20")
    assert view.input_value("#slider") == "20", "typing a frame's number moves there"
    drag(view, moving_box(20))
    view.wait_for_selector("#stop:visible")
    tracked(view)
    found = boxes(view)
    assert len(found) == COUNT
    assert np.abs(found[10] - moving_box(10)).max() > 15, "what came before the correction stays"
    assert max(np.abs(found[n] - moving_box(n)).max() for n in range(21, COUNT)) < 10
    view.reload()
    tracked(view)
    assert np.array_equal(boxes(view), found), "a reload finds the clip and its result"
    with view.expect_download() as download:
        view.click("#get-video")
    assert Path(download.value.path()).read_bytes()[4:8] == b"ftyp"


def test_two_taps(browser: Any, page: Served, clip: Path) -> None:
    with visitor(browser, page.address, 390, 844) as view:
        give(view, clip)
        start, end = corners(view, moving_box(0))
        view.touchscreen.tap(*start)
        view.wait_for_selector("#hint:has-text('opposite corner')")
        view.touchscreen.tap(*end)
        view.click("#track")
        tracked(view)
        assert np.abs(boxes(view)[30] - moving_box(30)).max() < 12


def test_stop_keeps_what_was_found_and_old_results_are_marked(view: Any, clip: Path) -> None:
    give(view, clip)
    drag(view, moving_box(0))
    view.click("#track")
    until(lambda: int(view.input_value("#slider")) >= 5)
    view.click("#stop")
    view.wait_for_selector("#track:visible")
    assert view.inner_text("#track") == "Track the rest"
    found = len(boxes(view))
    assert 5 <= found < COUNT
    # Nothing was changed, so nothing is old: the page said that results after the change are.
    assert view.inner_text("#status").startswith(f"Stopped at frame {found - 1}.")
    view.click("#track")
    tracked(view)
    view.fill("#number", "0")
    view.fill("#sentence", "the red thing")
    view.press("#sentence", "Enter")
    view.wait_for_selector("#status:has-text('old')")
    assert view.is_enabled("#track")
    view.click("#track")
    tracked(view)


def test_a_sentence_in_mid_video_and_unknown_words(view: Any, clip: Path) -> None:
    give(view, clip)
    drag(view, moving_box(0))
    view.click("#track")
    tracked(view)
    view.fill("#number", "30")
    view.fill("#sentence", "the red qqq")
    view.wait_for_selector("#remarks:has-text('qqq')")
    assert view.inner_text("#from-here") == "From frame 30 on"
    view.click("#from-here")
    tracked(view)
    assert view.input_value("#sentence") == "the red qqq"
    view.fill("#number", "10")
    assert view.input_value("#sentence") == ""
    assert np.abs(boxes(view)[50] - moving_box(50)).max() < 12


def test_several_objects(view: Any, clip: Path) -> None:
    give(view, clip)
    drag(view, moving_box(0))
    view.click("#add")
    drag(view, (200, 150, 40, 40))
    view.click("#track")
    tracked(view)
    assert view.locator(".chip i").count() == 2
    assert abs(boxes(view)[0][0] - 200) < 3, "the second object's"
    view.click(".chip >> nth=0")
    assert abs(boxes(view)[0][0] - moving_box(0)[0]) < 3


def test_one_click_on_an_example_shows_a_result(view: Any, page: Served) -> None:
    asked: list[str] = []
    view.on("request", lambda request: asked.append(request.url))
    assert view.locator("#examples button").count() == 3
    view.click("#examples button >> nth=0")
    view.wait_for_selector("#results:visible")
    fits(view)
    assert view.input_value("#sentence") == "the face"
    view.click("#stop")
    outside = [one for one in asked if not one.startswith((page.address, "blob:", "data:"))]
    assert outside == [], "the page needs no network"


def test_bad_files_are_one_sentence(view: Any, tmp_path: Path, clip: Path) -> None:
    """C6. Was: 40 lines in the terminal, and the server's path on the page."""
    for content, said in ((b"", "bad.mp4 is empty"), (b"no video", "bad.mp4 is no video")):
        (tmp_path / "bad.mp4").write_bytes(content)
        view.set_input_files("#file", str(tmp_path / "bad.mp4"))
        view.wait_for_selector(f"#message:has-text('{said}')")
        assert view.is_visible("#begin")
    (tmp_path / "large.mp4").write_bytes(b"\0" * 1_100_000)
    view.set_input_files("#file", str(tmp_path / "large.mp4"))
    view.wait_for_selector("#message:has-text('too large: up to 1 MB')")
    give(view, clip)
    assert not view.is_visible("#message")


def test_two_visitors_at_once(browser: Any, page: Served, clip: Path) -> None:
    with visitor(browser, page.address) as one, visitor(browser, page.address, 390, 844) as two:
        for view, box in ((one, moving_box(0)), (two, (200, 150, 40, 40))):
            give(view, clip)
            drag(view, box)
            view.click("#track")
        tracked(one)
        tracked(two)
        assert np.abs(boxes(one)[30] - moving_box(30)).max() < 12
        assert abs(boxes(two)[0][0] - 200) < 3
        one.click("#another")
        one.wait_for_selector("#begin:visible")
        two.reload()
        tracked(two)


def test_a_clip_that_is_gone_is_said(browser: Any, page: Served) -> None:
    with visitor(browser, f"{page.address}#job=nothing") as view:
        view.wait_for_selector("#message:has-text('not kept any more')")
        assert view.is_visible("#begin")
