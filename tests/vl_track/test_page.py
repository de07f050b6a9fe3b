"""The tracking page without a browser: clips, objects, corrections, and what it answers."""

import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("starlette", reason="the page's extra is not installed")

from holdfast.errors import ConfigError, DataError
from holdfast.serving.errors import PageError
from page_support import Served, served, until
from tracking_support import FindsRed, frame_with, moving_box, write_clip
from vl_track.app import APP
from vl_track.page.app import Page
from vl_track.page.clip import (
    Clip,
    Limits,
    as_jpeg,
    finish_reading,
    open_clip,
    read_frames,
)
from vl_track.page.examples import EXAMPLES, installed_examples
from vl_track.page.files import boxes_text, sureness, write_overlay
from vl_track.page.objects import Found, Tracked, update_objects
from vl_track.page.running import InTurn, Run, work
from vl_track.tracking import Tracker
from vl_track.video import streams
from vl_track.video.reading import frame_at, open_source

LIMITS = Limits()
COUNT = 12


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "red.mp4", count=COUNT)


@pytest.fixture
def clip(video: Path, tmp_path: Path) -> Clip:
    shutil.copyfile(video, tmp_path / "clip")
    found = open_clip(tmp_path / "clip", "red.mp4", LIMITS)
    read_frames(found, lambda count: None, threading.Event())
    finish_reading(found)
    return found


def prompt(frame: int, box: Any = None, text: str = "", *, stay: bool = False) -> dict[str, Any]:
    return {"frame": frame, "box": box, "text": text, "stay": stay}


def drawn(*prompts: dict[str, Any], number: int = 1) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"Object {number}", "prompts": list(prompts)}]


def track(clip: Clip, objects: dict[int, Tracked], stop_at: int | None = None) -> Run:
    """Track until the end, or until a frame."""
    run, lock = Run(number=1), threading.Lock()

    class Stops(InTurn):
        def track(self, image: Any) -> Any:
            if stop_at is not None and len(run.rows) >= stop_at:
                run.stop.set()
            return super().track(image)

    work(run, clip, list(objects.values()), lambda: Stops(Tracker(FindsRed()), lock), str)
    return run


def away(one: Tracked, number: int) -> float:
    """How far an object's box is from where the rectangle is."""
    return float(np.abs(np.subtract(one.found[number].box, moving_box(number))).max())


# ---- the clip -----------------------------------------------------------------------------------


def test_a_clip_becomes_pictures(clip: Clip) -> None:
    assert (clip.width, clip.height, clip.count, clip.whole, clip.read) == (
        160,
        120,
        12,
        True,
        True,
    )
    assert clip.pictures == list(range(COUNT))
    assert clip.times == pytest.approx([number / 10 for number in range(COUNT)])
    shown = open_source(str(clip.picture(7)))
    image = next(shown.frames()).image
    assert image is not None
    assert np.abs(image.astype(int) - frame_at(clip.file, 7)).mean() < 6
    large = as_jpeg(frame_with(None, (3000, 1500)))
    assert 1000 < len(large) < 200_000


def test_a_long_clip_is_cut_and_says_so(video: Path, tmp_path: Path) -> None:
    shutil.copyfile(video, tmp_path / "clip")
    found = open_clip(tmp_path / "clip", "red.mp4", Limits(frames=5))
    read_frames(found, lambda count: None, threading.Event())
    finish_reading(found)
    assert (found.count, found.whole) == (5, False)


def test_limits_are_told_in_a_sentence_before_anything_is_decoded(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C3's kind. A video's size is in its header."""
    monkeypatch.setattr("vl_track.page.clip.frame_at", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ConfigError, match=r"^red\.mp4 has frames of 160 x 120 pixels, and 100 are"):
        open_clip(video, "red.mp4", Limits(side=100))


def test_ffmpeg_decodes_no_frame_beyond_the_limit(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a header does not tell the truth, or the size changes on the way."""
    monkeypatch.setattr(streams, "MOST_PIXELS", 160 * 100)
    with pytest.raises(DataError, match="160 x 120 pixels"):
        open_source(str(video))
    monkeypatch.setattr(streams, "MOST_PIXELS", 8192 * 4608)
    container = streams._open(str(video))
    assert container.streams.video[0].codec_context.options["max_pixels"] == str(8192 * 4608)
    container.close()


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "content",
    [b"no video", b"\0" * 500, PLAYLIST, b"ffconcat version 1.0\nfile /etc/passwd\n",
     b"\0\0\0\x18ftypisom" + b"\0" * 300, b"\x1a\x45\xdf\xa3" + b"\xff" * 300,
     b"RIFF\0\0\0\0AVI LIST" + b"\0" * 100],
)  # fmt: skip
def test_what_is_no_video_is_one_sentence_without_a_path(content: bytes, tmp_path: Path) -> None:
    """C6. Was: the server's path; and FFmpeg would have read the files that a playlist names."""
    file = tmp_path / "secret" / "clip"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"^a\.mp4 is (no video|damaged)") as raised:
        open_clip(file, "a.mp4", LIMITS)
    assert str(tmp_path) not in str(raised.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(DataError, match="damaged, or in a format"):
        open_clip(tmp_path / "a.mp4", "a.mp4", LIMITS)


# ---- objects and runs ---------------------------------------------------------------------------


def test_it_follows_every_frame(clip: Clip) -> None:
    objects = update_objects({}, drawn(prompt(0, list(moving_box(0)))), clip, 6)
    run = track(clip, objects)
    assert run.state == "done"
    assert [row[1] for row in run.rows] == list(range(COUNT))
    assert max(away(objects[1], number) for number in range(COUNT)) < 6
    assert objects[1].fresh == COUNT
    assert objects[1].found[0].score == 1.0


def test_a_correction_keeps_what_came_before(clip: Clip) -> None:
    """Was: "Forget the boxes", and everything was tracked again."""
    wrong = [2.0, 2.0, 12.0, 12.0]
    objects = update_objects({}, drawn(prompt(0, wrong)), clip, 6)
    track(clip, objects)
    before = dict(objects[1].found)
    assert away(objects[1], 9) > 10
    box = list(moving_box(6))
    objects = update_objects(objects, drawn(prompt(0, wrong), prompt(6, box)), clip, 6)
    assert objects[1].fresh == 6, "from the correction on results are old"
    assert objects[1].found[9] == before[9], "and still shown"
    run = track(clip, objects)
    assert [row[1] for row in run.rows] == list(range(6, COUNT))
    assert all(objects[1].found[number] == before[number] for number in range(6))
    assert away(objects[1], 9) < 6


def test_a_stopped_run_keeps_what_it_found_and_goes_on(clip: Clip) -> None:
    objects = update_objects({}, drawn(prompt(0, list(moving_box(0)))), clip, 6)
    run = track(clip, objects, stop_at=4)
    assert run.state == "stopped"
    stopped = objects[1].fresh
    assert 4 <= stopped < COUNT
    before = dict(objects[1].found)
    rest = track(clip, objects)
    assert rest.state == "done"
    assert objects[1].fresh == COUNT
    assert [row[1] for row in rest.rows] == list(range(stopped, COUNT)), "was: from frame 0 again"
    assert all(objects[1].found[number] == before[number] for number in before)
    whole = update_objects({}, drawn(prompt(0, list(moving_box(0)))), clip, 6)
    track(clip, whole)
    assert objects[1].found == whole[1].found, "as if it had not been stopped"


def test_after_a_stop_a_changed_object_begins_at_its_prompt(clip: Clip) -> None:
    first = prompt(0, list(moving_box(0)))
    objects = update_objects({}, drawn(first) + drawn(first, number=2), clip, 6)
    track(clip, objects, stop_at=8)
    assert all(one.paused is not None for one in objects.values())
    stopped = objects[2].fresh
    given = drawn(first, prompt(2, list(moving_box(2)))) + drawn(first, number=2)
    objects = update_objects(objects, given, clip, 6)
    run = track(clip, objects)
    assert [row[1] for row in run.rows if row[0] == 1] == list(range(2, COUNT))
    assert [row[1] for row in run.rows if row[0] == 2] == list(range(stopped, COUNT))


def test_a_new_sentence_in_mid_video_keeps_the_box(clip: Clip) -> None:
    first = prompt(0, list(moving_box(0)), "the red thing")
    objects = update_objects({}, drawn(first), clip, 6)
    track(clip, objects)
    before = dict(objects[1].found)
    objects = update_objects(objects, drawn(first, prompt(5, text="red", stay=True)), clip, 6)
    assert objects[1].drawn[5].box == before[5].box
    assert [objects[1].text_at(number) for number in (0, 4, 5, 9)] == [
        "the red thing", "the red thing", "red", "red",
    ]  # fmt: skip
    run = track(clip, objects)
    assert [row[1] for row in run.rows] == list(range(5, COUNT))
    assert away(objects[1], 9) < 6
    # An earlier correction moves the box that the sentence goes on with.
    changed = [first, prompt(2, list(moving_box(2))), prompt(5, text="red", stay=True)]
    objects = update_objects(objects, drawn(*changed), clip, 6)
    assert objects[1].restart() == 2
    assert track(clip, objects).state == "done"
    assert away(objects[1], COUNT - 1) < 6


def test_several_objects_may_begin_on_different_frames(clip: Clip) -> None:
    given = drawn(prompt(0, list(moving_box(0)))) + drawn(prompt(4, [5, 5, 20, 20]), number=2)
    objects = update_objects({}, given, clip, 6)
    run = track(clip, objects)
    assert sorted(objects[2].found) == list(range(4, COUNT))
    assert {row[0] for row in run.rows} == {1, 2}
    second = objects[2].found
    given = drawn(prompt(0, [30, 30, 30, 30])) + given[1:]
    objects = update_objects(objects, given, clip, 6)
    assert (objects[1].fresh, objects[2].fresh) == (0, COUNT)
    run = track(clip, objects)
    assert {row[0] for row in run.rows} == {1}, "the other one is left alone"
    assert objects[2].found == second


def test_a_sentence_alone_finds_the_object_or_says_why_not(clip: Clip) -> None:
    objects = update_objects({}, drawn(prompt(0, text="red")), clip, 6)
    assert track(clip, objects).state == "done"
    assert away(objects[1], 5) < 8
    objects = update_objects({}, drawn(prompt(0, text="qqq")), clip, 6)
    run = track(clip, objects)
    assert run.state == "failed"
    assert "'qqq'" in run.trouble


@pytest.mark.parametrize(
    "given",
    [
        None, {}, [1], [{}], drawn(prompt(99, [1, 1, 9, 9])), drawn(prompt(-1, [1, 1, 9, 9])),
        drawn(prompt(0, [1, 1, 9])), drawn(prompt(0, [1, 1, "9", 9])),
        drawn(prompt(0, [1, 1, float("nan"), 9])), drawn(prompt(0, [500, 1, 9, 9])),
        drawn(prompt(0, [1, 1, 1, 1])), drawn(prompt(0, [1, 1, 1e99, 9])), drawn(prompt(True)),
        drawn(prompt(0, text="x" * 301)), drawn(prompt(0)) * 2, drawn(prompt(0)) * 9,
        drawn(*[prompt(0)] * 101),
    ],
)  # fmt: skip
def test_what_a_page_would_not_send_is_refused(given: Any, clip: Clip) -> None:
    with pytest.raises(PageError):
        update_objects({}, given, clip, 6)


def test_removing_what_was_drawn(clip: Clip) -> None:
    both = [prompt(0, list(moving_box(0))), prompt(6, list(moving_box(6)))]
    objects = update_objects({}, drawn(*both), clip, 6)
    track(clip, objects)
    objects = update_objects(objects, drawn(both[0]), clip, 6)
    assert (objects[1].fresh, objects[1].restart()) == (6, 0)
    objects = update_objects(objects, drawn(both[1]), clip, 6)
    assert (objects[1].fresh, min(objects[1].found)) == (6, 6)
    objects = update_objects(objects, drawn(), clip, 6)
    assert objects[1].found == {}


def test_results_are_the_fields_files(clip: Clip, tmp_path: Path) -> None:
    objects = update_objects({}, drawn(prompt(0, list(moving_box(0)), "red")), clip, 6)
    with pytest.raises(PageError, match="Nothing has been tracked"):
        write_overlay(tmp_path / "a.mp4", clip, list(objects.values()), threading.Event())
    with pytest.raises(PageError, match="Object 1 has not been tracked"):
        boxes_text(objects[1])
    track(clip, objects)
    rows = [[float(one) for one in line.split(",")] for line in boxes_text(objects[1]).split()]
    assert np.allclose(rows, [objects[1].found[n].box for n in range(COUNT)], atol=1e-3)
    write_overlay(tmp_path / "a.mp4", clip, list(objects.values()), threading.Event())
    assert len(list(open_source(str(tmp_path / "a.mp4")).frames())) == COUNT
    plain, written = frame_at(clip.file, 5), frame_at(tmp_path / "a.mp4", 5)
    assert np.abs(plain.astype(int) - written).max() > 60, "a box is drawn"
    ended = threading.Event()
    ended.set()
    with pytest.raises(PageError, match="not kept any more"):
        write_overlay(tmp_path / "b.mp4", clip, list(objects.values()), ended)
    assert not (tmp_path / "b.mp4").exists()


def test_how_sure_is_said_in_words_not_in_bare_numbers() -> None:
    box = (1.0, 2.0, 3.0, 4.0)
    assert [sureness(Found(box, score)) for score in (0.9, 0.41, 0.3, 0.1)] == [
        "sure", "sure", "unsure", "lost",
    ]  # fmt: skip
    assert sureness(Found(box, 0.9, present=0.2)) == "lost", "a calibrated presence counts first"


def test_examples_lie_in_their_clips() -> None:
    found = installed_examples()
    assert [one for one, _ in found] == list(EXAMPLES)
    for one, path in found:
        height, width = frame_at(path, one.frame).shape[:2]
        assert (width, height) == one.size
        x, y, w, h = one.box
        assert x >= 0 <= y
        assert x + w <= width
        assert y + h <= height


# ---- the served page ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page() -> Any:
    with served("track", "--delay", "0.01", "--gigabytes", "0.01") as found:
        yield found
        assert found.said.read_text() == "", "no terminal traceback"


def upload(page: Served, content: bytes, name: str = "red.mp4") -> Any:
    return page.ask(f"/api/jobs?name={name}", "POST", content)


def test_a_visit(page: Served, video: Path) -> None:
    made = upload(page, video.read_bytes())
    assert made.status == 201
    at = f"/api/jobs/{made.json['id']}"
    assert page.ask(f"{at}/track", "POST").error.startswith("There is nothing to follow yet")
    picture = page.ask(f"{at}/frames/11.jpg")
    assert (picture.status, picture.body[:3]) == (200, b"\xff\xd8\xff")
    assert page.ask(f"{at}/frames/12.jpg").error == "The clip has no frame 12."
    objects = drawn(prompt(0, list(moving_box(0)), "red qqq"))
    marks = page.ask(f"{at}/objects", "PUT", given={"objects": objects}).json["objects"]
    assert "'qqq'" in marks[0]["remarks"][0], "words that are not understood are named"
    assert "'qqq'" in page.ask("/api/words?text=the%20qqq").json["remarks"][0]
    assert page.ask(f"{at}/track", "POST").status == 200
    until(lambda: page.ask(f"{at}/progress").json["state"] == "done")
    again = page.ask(at).json
    assert len(again["objects"][0]["found"]) == COUNT, "a reload finds the clip and its result"
    assert again["objects"][0]["prompts"] == [prompt(0, list(moving_box(0)), "red qqq")]
    assert len(page.ask(f"{at}/boxes/1.txt").body.splitlines()) == COUNT
    assert page.ask(f"{at}/overlay.mp4").body[4:8] == b"ftyp"
    assert page.ask(f"{at}/boxes/7.txt").error == "There is no such object."
    page.ask(at, "DELETE")
    assert page.ask(at).status == 404
    assert page.folders() == []


def test_bad_files_are_one_sentence_and_leave_nothing(page: Served) -> None:
    """C6. Was: the server's path, gradio's own sentence, 40 lines in the terminal."""
    assert upload(page, b"").error == "red.mp4 is empty: choose another file."
    assert upload(page, b"no video").error.startswith("red.mp4 is no video that this page knows")
    assert upload(page, b"\0\0\0\x18ftypisom" + b"\0" * 99).error.startswith("red.mp4 is damaged")
    large = upload(page, b"\0" * 1_000_001)
    assert (large.status, large.error) == (413, "red.mp4 is too large: up to 1 MB are taken.")
    odd = upload(page, b"x", "..%2F..%2Fetc%2Fpasswd")
    assert odd.error.startswith("passwd is no video")
    assert page.folders() == []


def test_two_visitors_do_not_share_anything(page: Served, video: Path) -> None:
    one, two = (upload(page, video.read_bytes()).json["id"] for _ in range(2))
    assert one != two
    objects = drawn(prompt(0, list(moving_box(0))))
    for key in (one, two):
        page.ask(f"/api/jobs/{key}/objects", "PUT", given={"objects": objects})
    page.ask(f"/api/jobs/{one}/track", "POST")
    page.ask(f"/api/jobs/{two}/track", "POST")
    page.ask(f"/api/jobs/{one}/stop", "POST")
    until(lambda: page.ask(f"/api/jobs/{two}/progress").json["state"] == "done")
    found = page.ask(f"/api/jobs/{one}").json
    assert found["state"] in {"stopped", "done"}
    for key in (one, two):
        page.ask(f"/api/jobs/{key}", "DELETE")
    assert page.ask("/api/jobs/unknown/track", "POST").status == 404


def test_an_example_comes_with_its_box_and_sentence(page: Served) -> None:
    examples = page.ask("/api/page").json["examples"]
    assert len(examples) == 3
    for number in range(3):
        assert page.ask(f"/api/examples/{number}.jpg").body[:3] == b"\xff\xd8\xff"
    made = page.ask("/api/examples/0", "POST").json
    assert made["objects"][0]["prompts"][0]["text"] == examples[0]["text"]
    until(lambda: page.ask(f"/api/jobs/{made['id']}").json["read"])
    page.ask(f"/api/jobs/{made['id']}", "DELETE")
    assert page.ask("/api/examples/3", "POST").error == "There is no such example."


def test_the_quota_is_one_sentence(page: Served) -> None:
    clip = (b"\0\0\0\x18ftypisom" + b"\0" * 900_000)  # fmt: skip
    assert upload(page, clip).status == 422, "what cannot be read does not count any more"
    kept = [page.ask("/api/examples/2", "POST") for _ in range(12)]
    assert {one.status for one in kept} == {201, 507}
    assert kept[-1].error == "This page's disk space is used up: try again later."
    assert page.disk() < 11_000_000
    for one in kept:
        if one.status == 201:
            page.ask(f"/api/jobs/{one.json['id']}", "DELETE")
    assert page.folders() == []


def test_an_overlay_beyond_the_quota_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was served on the next request, uncounted."""
    file, counted = tmp_path / "overlay.mp4", [3]
    file.write_bytes(b"old")

    def reserve(_: object, count: int) -> None:
        if sum(counted) + count > 5:
            raise PageError(507, "used up")
        counted.append(count)

    session = SimpleNamespace(overlay=threading.Lock(), overlay_file=lambda: file, clip=None,
                              objects={}, closed=None, job=None)  # fmt: skip
    place: Any = SimpleNamespace(jobs=SimpleNamespace(reserve=reserve))
    monkeypatch.setattr(
        "vl_track.page.app.write_overlay", lambda path, *_: path.write_bytes(b"new" * 9)
    )
    with pytest.raises(PageError, match="used up"):
        Page._write_overlay(place, session)  # type: ignore[arg-type]
    assert not file.exists()
    assert sum(counted) == 0, "the old one is gone too"


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    served_on: list[Any] = []
    monkeypatch.setattr(
        "holdfast.serving.server.serve", lambda site, port: served_on.append((site, port))
    )
    monkeypatch.delenv("HOLDFAST_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", None)
    assert APP.main(["demo", "--port", "7999", "--device", "cpu"]) == 0
    assert served_on[0][1] == 7999
    assert served_on[0][0].access.host == "127.0.0.1"
    served_on[0][0].jobs.close()
    assert APP.main(["demo", "--host", "0.0.0.0", "--device", "cpu"]) == 1
    assert "say --anyone true" in capsys.readouterr().err
