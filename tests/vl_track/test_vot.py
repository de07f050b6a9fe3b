"""The VOT entry point: what a TraX client asks for, and what it gets."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import trax
from trax import Image, Rectangle
from trax.client import Client

from conftest import REPOSITORY
from holdfast.errors import ConfigError, DataError, ImageError, MissingToolError
from scenes_support import tiny_config, tiny_network
from tracking_support import FindsRed, frame_with, moving_box, write_pictures
from vl_track import vot
from vl_track.app import APP
from vl_track.data.geometry import Box
from vl_track.data.images import decode_image, read_image
from vl_track.loading import load_network, save_network
from vl_track.scoring.measures import overlap_plain as overlaps
from vl_track.tracking import Estimate, Prompt, Tracker
from vl_track.vot import Session

ORACLE = (
    "-c",
    "from tracking_support import FindsRed; from vl_track.vot import Session, serve;"
    "serve(Session(FindsRed(), None, 'cpu'))",
)
STATES = [moving_box(time) for time in range(6)]


@contextmanager
def client(*words: str) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
    """Start a server of its own as the toolkit does, and connect to it."""
    path = os.pathsep.join([str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            streams = (process.stdin.fileno(), process.stdout.fileno())
            yield Client(stream=streams, log=lambda *_: None), process
        finally:
            process.kill()


def asked(box: Box, sentence: str = "") -> list[tuple[Rectangle, dict[str, str]]]:
    return [(Rectangle.create(*box), {"sentence": sentence} if sentence else {})]


def box_of(reply: list[tuple[Rectangle, trax.Properties]], place: int = 0) -> Box:
    return reply[place][0].bounds()


def as_path(time: int, folder: Path) -> Image:
    return trax.FileImage.create(str(folder / f"{time}.png"))


def as_array(time: int, _: Path) -> Image:
    return trax.MemoryImage.create(frame_with(STATES[time]))


def as_buffer(time: int, folder: Path) -> Image:
    return trax.BufferImage.create((folder / f"{time}.png").read_bytes())


@pytest.mark.parametrize("make", [as_path, as_array, as_buffer])
def test_each_kind_of_image_is_followed(make: object, tmp_path: Path) -> None:
    assert callable(make)
    write_pictures(tmp_path, [f"{time}.png" for time in range(6)])
    with client(*ORACLE) as (server, _):
        assert server.tracker_name == "vl_track"
        assert set(server.image_formats) == {Image.PATH, Image.MEMORY, Image.BUFFER}
        first, _ = server.initialize({"color": make(0, tmp_path)}, asked(STATES[0]), {})
        found = [box_of(first)]
        for time in range(1, 6):
            reply, _ = server.frame({"color": make(time, tmp_path)}, {}, [])
            found.append(box_of(reply))
            assert 0 < float(reply[0][1].get("confidence")) < 1
        server.quit()
    assert found[0] == STATES[0], "the first box is the one that was given"
    assert overlaps(np.array(found), np.array(STATES)).min() > 0.8


def test_several_objects_and_one_that_comes_later(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"{time}.png" for time in range(6)])
    with client(*ORACLE) as (server, _):
        two = asked(STATES[0]) + asked((100.0, 90.0, 10.0, 10.0))
        reply, _ = server.initialize({"color": as_path(0, tmp_path)}, two, {})
        assert len(reply) == 2
        reply, _ = server.frame({"color": as_path(1, tmp_path)}, {}, asked((5.0, 6.0, 7.0, 8.0)))
        assert len(reply) == 3
        assert box_of(reply, 2) == (5, 6, 7, 8), "it begins here, and is not moved"
        reply, _ = server.frame({"color": as_path(2, tmp_path)}, {}, [])
        assert len(reply) == 3
        reply, _ = server.initialize({"color": as_path(3, tmp_path)}, asked(STATES[3]), {})
        assert len(reply) == 1, "a new sequence forgets the objects of the one before"
        server.quit()


def test_the_command_gives_the_boxes_of_the_tracker(tmp_path: Path) -> None:
    """Through the whole way: a model folder, the console command, pipes, and back."""
    save_network(tmp_path / "model", tiny_config(), tiny_network().state_dict())
    write_pictures(tmp_path / "f", [f"{time}.png" for time in range(6)])
    tracker = Tracker(load_network(tmp_path / "model"))
    frames = [read_image(tmp_path / f"f/{time}.png") for time in range(6)]
    expected = [tracker.initialize(frames[0], STATES[0], "a red box").box]
    expected += [tracker.track(frame).box for frame in frames[1:]]
    words = ("-m", "vl_track", "vot", "--weights", str(tmp_path / "model"), "--device", "cpu")
    with client(*words) as (server, process):
        first = {"color": as_path(0, tmp_path / "f")}
        reply, _ = server.initialize(first, asked(STATES[0], "a red box"), {})
        found = [box_of(reply)]
        for time in range(1, 6):
            reply, _ = server.frame({"color": as_path(time, tmp_path / "f")}, {}, [])
            found.append(box_of(reply))
        server.quit()
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert b"6 frames answered." in process.stderr.read()
    assert np.allclose(found, expected, atol=1e-2), "TraX rounds coordinates in its text"


def refused(*lines: str) -> str:
    """Send lines of the protocol and hang up; return what stands on standard error.

    Spoken by hand: vot-trax's client may crash its own process where a server ends.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "vl_track", "vot", "--device", "cpu"], check=False, timeout=120,
        input="".join(f"@@TRAX:{line} \n" for line in lines), capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stdout.startswith("@@TRAX:hello")
    assert "@@TRAX:quit" in ended.stdout, "the client is not left waiting"
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_a_missing_frame_ends_it_with_a_sentence() -> None:
    shown = refused('initialize "10.0,10.0,20.0,20.0"', 'frame "file:///no/9.png"')
    assert "/no/9.png is missing: get this file again." in shown


def test_a_box_without_extent_ends_it_with_a_sentence(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["0.png"])
    shown = refused('initialize "10.0,10.0,0.0,20.0"', f'frame "file://{tmp_path}/0.png"')
    assert "The box 10,10,0,20 has no area" in shown


@pytest.mark.parametrize("lines", [(), ("nonsense",)])
def test_a_client_that_breaks_off_is_told_of(lines: tuple[str, ...]) -> None:
    assert "The TraX client broke off" in refused(*lines)


def test_a_sentence_of_the_object_goes_before_the_one_for_all() -> None:
    told: list[list[str]] = []
    network = FindsRed()
    network.text.register_forward_pre_hook(lambda _, given: told.append(given[0]))
    session = Session(network, None, "cpu", "the cup")
    prompts = [Prompt(STATES[0]), Prompt(STATES[0], "the red box")]
    session.initialize(frame_with(STATES[0]), prompts)
    assert len(session.objects) == 2
    assert told == [["the cup"], ["the red box"]]


def test_the_tracker_has_the_models_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the judge ``--options.alarm`` and the search for a lost object did nothing here."""
    served: list[Session] = []
    made: list[Tracker] = []

    class Kept(Tracker):
        def initialize(self, *given: Any, **named: Any) -> Estimate:
            made.append(self)
            return super().initialize(*given, **named)

    def serve(session: Session) -> int:
        served.append(session)
        session.initialize(frame_with(STATES[0]), [Prompt(STATES[0])])
        return 1

    monkeypatch.setattr("vl_track.commands.vot.serve", serve)
    monkeypatch.setattr(vot, "Tracker", Kept)
    assert APP.main(["vot", "--options.alarm", "0.1", "--device", "cpu"]) == 0
    assert made[0].watch.has_alarm
    assert made[0].options.alarm == 0.1
    assert served[0].judge is not None


def test_nobody_speaks_trax_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.delenv("TRAX_SOCKET", raising=False)
    with pytest.raises(ConfigError, match=r"trackers\.ini"):
        vot.serve(Session(FindsRed(), None, "cpu"))
    monkeypatch.setattr(vot.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install vot-trax"):
        vot.serve(Session(FindsRed(), None, "cpu"))


def test_pictures_of_memory_are_checked(tmp_path: Path) -> None:
    grey = np.full((20, 30), 7, np.uint8)
    assert vot._image_of(trax, trax.MemoryImage.create(grey)).shape == (20, 30, 3)
    deep = trax.MemoryImage.create(np.zeros((20, 30), np.uint16))
    with pytest.raises(DataError, match="uint16"):
        vot._image_of(trax, deep)
    frame = frame_with(STATES[0])
    good, content = cv2.imencode(".png", frame[..., ::-1])
    assert good
    assert np.array_equal(decode_image(content.tobytes(), "it"), frame)
    for bad in (b"", b"no picture", content.tobytes()[:40]):
        with pytest.raises(ImageError, match="the third frame is damaged"):
            decode_image(bad, "the third frame")
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path)
