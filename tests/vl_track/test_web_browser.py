"""The page of one file, opened from the disk in headless Chromium: it tracks a real clip."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="pip install onnxruntime")

import vl_track
from holdfast.errors import DataError, MissingToolError
from page_support import chromium, needs_chromium, until
from tracking_support import moving_box, write_clip
from vl_track.app import APP
from vl_track.commands.example import BOX, CLIP, TEXT
from vl_track.data.clips import pip_clip
from vl_track.data.geometry import as_box
from vl_track.scoring.measures import overlap_plain
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.saving import read_tracked
from vl_track.video.reading import open_source
from vl_track.web.runtime import web_runtime

pytestmark = [pytest.mark.nightly, needs_chromium]
FRAMES = 12
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Chromium shows a moving pattern as if it came from a camera, and asks nobody."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web")
    try:
        web_runtime(folder)
    except (DataError, MissingToolError) as error:
        pytest.skip(f"ONNX Runtime Web cannot be had: {error}")
    words = ["--formats", "web", "--out", str(folder), "--runtime_folder", str(folder)]
    assert APP.main(["export", *words]) == 0
    return folder / "tracker.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(*CAMERA) as found:
        yield found


@pytest.fixture
def view(browser: Any, page: Path) -> Iterator[Any]:
    """The page, of which every request and every error of its scripts is noted."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    found, wrong, asked = context.new_page(), list[str](), list[str]()
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("request", lambda request: asked.append(request.url))
    found.goto(page.as_uri())
    found.wait_for_selector("#begin:visible")
    yield found
    context.close()
    assert not wrong
    outside = [url for url in asked if not url.startswith("blob:") and url != page.as_uri()]
    assert not outside, "a request left the page"


WIDTH = 176
"""Of the clip, in stored pixels; they are not square, and browsers show it 193 wide."""


def draw(view: Any, box: tuple[float, ...], width: int = WIDTH) -> None:
    shown = view.locator("#picture").bounding_box()
    times = shown["width"] / width
    x, y, right, down = (value * times for value in box)
    view.mouse.move(shown["x"] + x, shown["y"] + y)
    view.mouse.down()
    view.mouse.move(shown["x"] + x + right, shown["y"] + y + down, steps=3)
    view.mouse.up()


def counted(view: Any) -> int:
    """Return the number of frames that the page says it has tracked."""
    found = re.search(r"\d+", view.text_content("#status"))
    return int(found[0]) if found else 0


def finish(view: Any, frames: int) -> list[dict[str, str]]:
    """Stop after so many frames, save, and return the rows."""
    until(lambda: counted(view) >= frames, 180)
    view.click("#stop")
    view.wait_for_selector("#track:visible", timeout=30_000)
    with view.expect_download() as waiting:
        view.click("#save")
    path = Path(waiting.value.path())
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def boxes_of(rows: list[dict[str, str]]) -> np.ndarray:
    names = ("x", "y", "width", "height")
    return np.array([[float(row[name]) for name in names] for row in rows])


@pytest.mark.parametrize("sentence", ["", TEXT])
def test_its_boxes_are_pythons_on_a_real_clip(view: Any, sentence: str, tmp_path: Path) -> None:
    clip = str(pip_clip(CLIP))
    view.set_input_files("#file", clip)
    view.wait_for_selector("#work:visible")
    draw(view, tuple(map(float, BOX.split(","))))
    view.fill("#sentence", sentence)
    view.click("#track")
    rows = finish(view, FRAMES)
    given = boxes_of(rows)[0]
    tracker = vl_track.load(device="cpu", options=TrackerOptions(flow=False))
    frames = tracker.follow(clip, box=as_box(given), text=sentence)
    steps = [step for step, _ in zip(frames, rows, strict=False)]
    assert len(steps) == len(rows) >= FRAMES
    np.testing.assert_allclose(
        [float(row["time"]) for row in rows], [step.time for step in steps], atol=1e-3
    )
    overlaps = overlap_plain(boxes_of(rows), [step.box for step in steps])
    apart = [
        abs(float(row["present"]) - (step.present or 0))
        for row, step in zip(rows, steps, strict=True)
    ]
    # Browsers and FFmpeg turn colours into RGB a grey level apart, and errors add up.
    assert overlaps.min() >= 0.9, overlaps
    assert overlaps.mean() >= 0.95, overlaps
    assert max(apart) <= 0.02, apart
    saved = tmp_path / "boxes.csv"
    saved.write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]))
    assert read_tracked(saved).shape == (len(rows), 4)


def test_a_sentence_alone_finds_the_object_and_unknown_words_are_named(view: Any) -> None:
    view.set_input_files("#file", str(pip_clip(CLIP)))
    view.wait_for_selector("#work:visible")
    view.click("#track")
    view.wait_for_selector("#message:visible")
    assert "Draw a box around the object" in view.text_content("#message")
    view.fill("#sentence", "qzx")
    assert "does not know 'qzx'" in view.text_content("#remarks")
    view.click("#track")
    until(lambda: "does not know 'qzx'" in view.text_content("#message"))
    view.fill("#sentence", TEXT)
    view.fill("#every", "3")
    view.click("#track")
    rows = finish(view, 3)
    tracker = vl_track.load(device="cpu", options=TrackerOptions(flow=False))
    (step, *_) = tracker.follow(str(pip_clip(CLIP)), text=TEXT)
    assert overlap_plain(boxes_of(rows)[:1], [step.box])[0] >= 0.9
    assert [int(row["frame"]) for row in rows[:3]] == [0, 3, 6]
    assert float(rows[1]["time"]) == pytest.approx(3 * 1001 / 30000, abs=1e-3)


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv"])
def test_times_of_a_clip_that_does_not_begin_at_zero_are_pythons(
    name: str, view: Any, tmp_path: Path
) -> None:
    """Times count from the clip's first frame, wherever tracking begins."""
    clip = write_clip(tmp_path / name, 30, begin=20)
    with av.open(str(clip)) as container:
        assert container.start_time == 2_000_000
    times = [frame.time for frame in open_source(str(clip)).frames()]
    view.set_input_files("#file", str(clip))
    view.wait_for_selector("#work:visible")
    for seconds, first in ((2.0, 0), (2.5, 5)):
        slide = "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')); }"
        view.locator("#slider").evaluate(slide, seconds)
        view.wait_for_timeout(1000)
        draw(view, moving_box(first), width=160)
        view.click("#track")
        rows = finish(view, 3)
        assert [int(row["frame"]) for row in rows] == list(range(len(rows)))
        found = [float(row["time"]) for row in rows]
        np.testing.assert_allclose(found, times[first : first + len(rows)], atol=1e-3)


def test_the_camera_is_tracked(view: Any) -> None:
    view.click("#camera")
    view.wait_for_selector("#work:visible")
    draw(view, (20, 20, 40, 40))
    view.click("#track")
    rows = finish(view, 3)
    times = [float(row["time"]) for row in rows]
    assert times == sorted(times)
    assert times[-1] > 0
