"""The page: clicks, limits and corrections without a browser, then the whole page in Chromium."""

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from holdfast.errors import ConfigError, DataError, MissingToolError
from tracking_support import FindsRed, moving_box, write_clip
from vl_track.app import APP
from vl_track.commands import demo as command
from vl_track.page.following import Clicks, Limits, open_clip, track_clip, write_results
from vl_track.results import read_boxes
from vl_track.tracking import Step
from vl_track.video.reading import frame_at

gr = pytest.importorskip("gradio", reason="the page's extra is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # gradio's own dependencies warn at import

from vl_track.page.app import Page, score_curve, zoom  # noqa: E402

LIMITS = Limits()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "red.mp4", count=12)


def test_two_corners_make_a_box_in_any_order() -> None:
    clicks = Clicks()
    assert clicks.click(0, 50, 40) is None
    assert clicks.click(0, 20, 70) == (20.0, 40.0, 30.0, 30.0)
    assert clicks.click(4, 1, 1) is None
    assert clicks.click(4, 5, 9) == (1.0, 1.0, 4.0, 8.0)
    assert clicks.boxes == {0: (20.0, 40.0, 30.0, 30.0), 4: (1.0, 1.0, 4.0, 8.0)}


def test_two_corners_at_one_place_are_no_box() -> None:
    clicks = Clicks()
    clicks.click(0, 50, 40)
    with pytest.raises(ConfigError, match="less than two pixels apart"):
        clicks.click(0, 51, 80)
    assert clicks.boxes == {}
    assert clicks.click(0, 1, 1) is None, "the next click begins anew"


def test_limits_are_told_in_a_sentence(clip: Path, tmp_path: Path) -> None:
    found = open_clip(clip, LIMITS)
    assert (found.count, found.whole) == (12, True)
    short = open_clip(clip, Limits(frames=5))
    assert (short.count, short.whole) == (5, False)
    with pytest.raises(ConfigError, match=r"MB, and 0\.001 are allowed"):
        open_clip(clip, Limits(megabytes=0.001))
    with pytest.raises(ConfigError, match="100 are allowed"):
        open_clip(clip, Limits(side=100))
    script = tmp_path / "evil.sh"
    script.write_text("#!/bin/sh")
    with pytest.raises(ConfigError, match=r"evil\.sh is no video of a known type"):
        open_clip(script, LIMITS)
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(b"\x00" * 500)
    with pytest.raises(DataError, match="not a readable video"):
        open_clip(noise, LIMITS)
    with pytest.raises(DataError, match="uploaded video is gone"):
        open_clip(tmp_path / "gone.mp4", LIMITS)


def test_it_follows_and_a_box_on_a_later_frame_corrects(clip: Path) -> None:
    opened = open_clip(clip, LIMITS)
    steps = list(track_clip(FindsRed(), opened, {0: moving_box(0)}, ""))
    assert [step.frame for step in steps] == list(range(12))
    for step in steps[1:]:
        assert np.abs(np.subtract(step.box, moving_box(step.frame))).max() < 6
    wrong = (2.0, 2.0, 12.0, 12.0)
    corrected = list(track_clip(FindsRed(), opened, {0: wrong, 6: moving_box(6)}, ""))
    assert np.abs(np.subtract(corrected[3].box, moving_box(3))).max() > 10
    assert corrected[6].box == moving_box(6)
    assert corrected[6].score == 1.0
    assert np.abs(np.subtract(corrected[9].box, moving_box(9))).max() < 6


def test_an_empty_prompt_is_refused(clip: Path) -> None:
    with pytest.raises(ConfigError, match="click two corners"):
        next(track_clip(FindsRed(), open_clip(clip, LIMITS), {4: moving_box(4)}, "  "))


def test_results_are_the_fields_files(clip: Path, tmp_path: Path) -> None:
    opened = open_clip(clip, LIMITS)
    boxes = [moving_box(t) for t in range(12)]
    steps = [Step(frame=t, time=t / 10, box=box, score=0.5) for t, box in enumerate(boxes)]
    lines, video = write_results(tmp_path, opened, steps, "red")
    assert np.allclose(read_boxes(lines), boxes, atol=1e-3)
    assert open_clip(video, LIMITS).count == 12


@pytest.fixture
def page() -> Page:
    return Page(FindsRed(), Limits(frames=10))


def test_a_visit_step_by_step(page: Page, clip: Path) -> None:
    picture, _, state, said = page.load(str(clip), {})
    times = zoom(frame_at(clip, 0))
    assert times == 3
    assert picture.shape == (360, 480, 3)
    assert "red.mp4: 10 frames. The clip is longer" in said
    x, y, w, h = moving_box(0)
    for corner in ((x, y), (x + w, y + h)):
        event: Any = SimpleNamespace(index=[times * corner[0] + 1, times * corner[1] + 1])
        picture, state, said = page.click(0, state, event)
    assert state["clicks"].boxes[0] == pytest.approx(moving_box(0), abs=1)
    answers = list(page.track("the red thing", True, state))
    assert answers[0][0].shape == (120, 160, 3)
    assert answers[0][1] is not None, "the second picture is the run without the sentence"
    tracked, other, curve, boxes, overlay, note = answers[-1]
    assert tracked.shape == other.shape == (120, 160, 3)
    assert curve.size[0] > curve.size[1] > 100
    assert len(read_boxes(Path(boxes))) == 10
    assert Path(overlay).suffix == ".mp4"
    assert note == "10 frames tracked."
    *_, last = page.track("the red qqq", False, state)
    assert "'qqq'" in last[-1], "words that are not understood are named on the page"
    _, state, said = page.forget(0, state)
    assert state["clicks"].boxes == {}
    with pytest.raises(gr.Error, match="The prompt is empty"):
        list(page.track("", False, state))


def test_a_sentence_alone_has_nothing_to_compare_with(page: Page, clip: Path) -> None:
    _, _, state, _ = page.load(str(clip), {})
    with pytest.raises(gr.Error):
        list(page.track("", True, state))
    answers = list(page.track("red", True, state))
    assert answers[-1][1] is None
    assert "draw a box too" in answers[-1][-1]


def test_visitors_do_not_share_boxes(page: Page, clip: Path) -> None:
    _, _, one, _ = page.load(str(clip), {})
    _, _, two, _ = page.load(str(clip), {})
    one["clicks"].boxes[0] = moving_box(0)
    assert two["clicks"].boxes == {}
    assert page.load(None, one)[2]["clip"] is None


def test_before_there_is_a_clip_the_page_says_so(page: Page) -> None:
    state = page.load(None, {})[2]
    for work in (lambda: page.show(0, state), lambda: list(page.track("x", False, state))):
        with pytest.raises(gr.Error, match="no clip yet"):
            work()
    with pytest.raises(gr.Error, match="no such example"):
        page.load_example("../../etc/passwd", state)


def test_the_score_curve_is_drawn() -> None:
    assert np.asarray(score_curve([[1.0, 0.5], [1.0, 0.2]])).std() > 1


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    tests = Path(__file__).parents[1]
    server = subprocess.Popen(
        [sys.executable, str(tests / "page_server.py")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tests,
    )
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.kill()
    server.wait()
    server.stdout.close()


def status(address: str, request: str | urllib.request.Request) -> tuple[int, str]:
    """Ask the page and return the status and the text of its answer."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file=/etc/passwd", "file=/etc/passwd", "gradio_api/file=pyproject.toml",
        "gradio_api/file=../../../../etc/passwd", "static/../../../../etc/passwd",
        "gradio_api/file=packages/vl_track/pyproject.toml",
    ],
)  # fmt: skip
def test_no_file_of_the_server_is_reachable_by_name(address: str, path: str) -> None:
    code, text = status(address, f"{address}{path}")
    assert code in {403, 404}
    assert "root:" not in text


def test_a_visitor_cannot_name_a_file_of_the_server_as_an_upload(address: str) -> None:
    _, config = status(address, f"{address}config")
    names = [one["api_name"] for one in json.loads(config)["dependencies"]]
    assert "load" in names
    value = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [{"video": value}, None], "session_hash": "x"}).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}gradio_api/run/load", data=body, headers=kind)
    code, text = status(address, request)
    assert code >= 400
    assert "root:" not in text
    assert status(address, address)[0] == 200, "and the page goes on"


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Debian's chromium is not installed")
def test_a_real_clip_is_tracked_in_a_real_browser(address: str, clip: Path, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        view = browser.new_page(viewport={"width": 1200, "height": 1400})
        view.goto(address)
        view.wait_for_selector("#clip", timeout=60_000)
        bad = tmp_path / "bad.mp4"
        bad.write_bytes(b"no video")
        view.set_input_files("#clip input[type=file]", str(bad))
        view.wait_for_selector("text=not a readable video", timeout=60_000)
        view.reload()
        view.wait_for_selector("#clip", timeout=60_000)
        view.set_input_files("#clip input[type=file]", str(clip))
        picture = view.wait_for_selector("#picture img", timeout=60_000)
        times = picture.evaluate("image => image.naturalWidth") / 160
        shown = picture.bounding_box()["width"] / 160
        assert times == 3
        x, y, w, h = moving_box(0)
        for number, corner in enumerate(((x, y), (x + w, y + h))):
            picture = view.wait_for_selector("#picture img")
            picture.click(position={"x": corner[0] * shown, "y": corner[1] * shown})
            said = "First corner" if number == 0 else "Frame 0: box"
            view.wait_for_selector(f"#note:has-text('{said}')", timeout=60_000)
        view.click("#track")
        view.wait_for_selector("#note:has-text('12 frames tracked')", timeout=120_000)
        view.wait_for_selector("#overlay video", timeout=60_000)
        with view.expect_download() as download:
            view.click("#boxes a")
        boxes = read_boxes(Path(download.value.path()))
        browser.close()
    for time, box in enumerate(boxes):
        assert np.abs(np.subtract(box, moving_box(time))).max() < 7


def test_the_command_says_what_it_needs_and_where_it_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[Any] = []
    monkeypatch.setattr("vl_track.commands.demo.serve", lambda *a, **k: served.append(k))
    monkeypatch.setattr(Page, "build", lambda self: None)  # its event loops outlive a test
    assert APP.main(["demo", "--port", "7999", "--device", "cpu"]) == 0
    assert served == [{"host": "127.0.0.1", "port": 7999, "megabytes": 200.0}]
    assert APP.main(["demo", "--host", "0.0.0.0", "--device", "cpu"]) == 0
    assert served[1]["host"] == "0.0.0.0"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install gradio"):
        command.demo()
