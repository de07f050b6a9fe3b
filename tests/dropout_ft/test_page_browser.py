"""The page for pictures in headless Chromium: both widths, light and dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("starlette", reason="the page's extra is not installed")

from page_support import WIDTHS, Served, chromium, needs_chromium, served, visitor

pytestmark = [pytest.mark.nightly, needs_chromium]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("examples")
    for name, colour in (("reds", (200, 60, 60)), ("greens", (60, 200, 60))):
        (folder / name).mkdir()
        Image.new("RGB", (80, 60), colour).save(folder / name / "a.png")
    with served("pictures", "--examples", str(folder)) as found:
        yield found
        assert found.said.read_text() == "", "no terminal traceback"


@pytest.fixture(params=WIDTHS, ids=lambda one: f"{one[0]}-{one[2]}")
def view(request: pytest.FixtureRequest, page: Served) -> Iterator[Any]:
    width, height, scheme = request.param
    with chromium() as browser, visitor(browser, page.address, width, height, scheme) as found:
        yield found


def slide(view: Any, name: str, value: float) -> None:
    view.eval_on_selector(
        f"#{name}", f"one => {{ one.value = {value}; one.dispatchEvent(new Event('input')); }}"
    )


def test_an_example_is_shifted_compared_and_reset(view: Any) -> None:
    view.click("#examples button:has-text('reds')")
    view.wait_for_selector("#verdict:has-text('All models say')")
    width, height = view.viewport_size["width"], view.viewport_size["height"]
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("#before", "#after", "#verdict", "#blur", "#downsample"):
        box = view.locator(name).bounding_box()
        assert box["y"] + box["height"] <= height, f"{name} is below the fold"
    before, after = (view.locator(name).bounding_box() for name in ("#before", "#after"))
    assert before["y"] == after["y"], "side by side"
    assert before["x"] < after["x"]
    slide(view, "colour", 0.35)
    view.wait_for_selector("#verdict.apart:has-text('disagree')")
    assert "soft says unknown, sharp says \u201cred\u201d" in view.inner_text("#verdict")
    assert "unknown (perhaps red)" in view.inner_text(".model >> nth=0")
    assert "\u2260 before: red" in view.inner_text(".model >> nth=0")
    slide(view, "abstain", 0)
    view.wait_for_selector("#verdict:has-text('All models say')")
    slide(view, "colour", 0.1)
    view.reload()
    view.wait_for_selector("#verdict:visible")
    slide(view, "contrast", 0.1)
    view.click("#reset")
    assert view.input_value("#contrast") == "1"
    source = "document.querySelector('#{}').src"
    assert view.evaluate(source.format("after")) == view.evaluate(source.format("before"))


def test_bad_files_are_one_sentence(view: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    view.set_input_files("#file", str(tmp_path / "bad.png"))
    view.wait_for_selector("#message:has-text('bad.png is empty')")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    view.set_input_files("#file", str(tmp_path / "bad.png"))
    view.wait_for_selector("#message:has-text('bad.png is no picture')")
    Image.new("RGB", (80, 60), (60, 60, 200)).save(tmp_path / "good.png")
    view.set_input_files("#file", str(tmp_path / "good.png"))
    view.wait_for_selector("#verdict:has-text('blue')")
    assert not view.is_visible("#message")
