"""Tracks as other tools' annotation, read back by the rules of each format."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from holdfast.errors import MissingToolError
from tracking_support import moving_box, write_clip
from vl_track.annotations import Track
from vl_track.annotations.coco import coco_text
from vl_track.annotations.cvat import cvat_text
from vl_track.annotations.lasot import write_lasot
from vl_track.annotations.mot import mot_text
from vl_track.annotations.rerun import write_rerun
from vl_track.app import APP
from vl_track.data.sets.lasot import LaSOT
from vl_track.results import write_boxes

COUNT = 9
NASTY = 'the "red" <cup> & saucer'


@pytest.fixture
def track() -> Track:
    boxes = np.array([moving_box(t) for t in range(COUNT)]) + 0.25
    return Track(name="clip", label="cup", boxes=boxes, width=160, height=120, sentence=NASTY)


@pytest.fixture
def files(tmp_path: Path, track: Track) -> tuple[str, str]:
    clip = write_clip(tmp_path / "clip.mp4", count=COUNT)
    write_boxes(tmp_path / "boxes.txt", [tuple(box) for box in track.boxes.tolist()])
    return str(tmp_path / "boxes.txt"), str(clip)


def test_coco_is_what_its_readers_expect(track: Track) -> None:
    found = json.loads(coco_text(track))
    images = {image["id"]: image for image in found["images"]}
    assert len(images) == len(found["annotations"]) == COUNT
    assert {c["id"] for c in found["categories"]} == {1}
    for number, annotation in enumerate(found["annotations"]):
        assert annotation["bbox"] == pytest.approx(track.boxes[number].tolist(), abs=1e-3)
        assert annotation["area"] == pytest.approx(
            annotation["bbox"][2] * annotation["bbox"][3], rel=1e-3
        )
        image = images[annotation["image_id"]]
        assert (image["width"], image["height"], image["frame_id"]) == (160, 120, number)
        assert annotation["category_id"] == annotation["track_id"] == 1
        assert annotation["caption"] == NASTY
    assert len({a["id"] for a in found["annotations"]}) == COUNT


def test_mot_counts_from_one(track: Track) -> None:
    rows = list(csv.reader(mot_text(track).splitlines()))
    assert [int(row[0]) for row in rows] == list(range(1, COUNT + 1))
    assert all(len(row) == 10 and row[1] == "1" for row in rows)
    found = np.array([[float(value) for value in row[2:6]] for row in rows])
    assert np.allclose(found - [1, 1, 0, 0], track.boxes, atol=0.01)


def test_cvat_is_wellformed_whatever_the_words(track: Track) -> None:
    root = ET.fromstring(cvat_text(track))
    assert root.findtext("version") == "1.1"
    assert root.findtext("meta/task/size") == str(COUNT)
    one = root.find("track")
    assert one is not None
    assert one.get("label") == "cup"
    boxes = one.findall("box")
    assert [int(box.get("frame", -1)) for box in boxes] == list(range(COUNT))
    for box, (x, y, w, h) in zip(boxes, track.boxes, strict=True):
        corners = [float(box.get(name, "nan")) for name in ("xtl", "ytl", "xbr", "ybr")]
        assert corners == pytest.approx([x, y, x + w, y + h], abs=0.01)
        assert box.findtext("attribute") == NASTY


def test_lasots_reader_reads_it(track: Track, tmp_path: Path) -> None:
    folder = tmp_path / "cup/cup-1"
    write_lasot(track, folder)
    (folder / "img").mkdir()
    for number in range(COUNT):
        (folder / f"img/{number + 1:08d}.jpg").write_bytes(b"")
    video = LaSOT(tmp_path, "test")[0]
    assert len(video) == COUNT
    assert np.abs(video.boxes - track.boxes - [1, 1, 0, 0]).max() <= 0.51
    assert video.sentence.replace(".", "") == NASTY
    assert not video.faults


@pytest.mark.parametrize("kind", ["coco", "mot", "cvat", "lasot"])
def test_the_command(
    kind: str, files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes, clip = files
    words = ["annotate", boxes, "--video", clip, "--format", kind, "--out", str(tmp_path / "out")]
    assert APP.main([*words, "--label", "cup", "--text", "a red cup"]) == 0
    assert f"{COUNT} boxes of clip as {kind}" in capsys.readouterr().out
    assert (tmp_path / "out").exists()


def test_a_rerun_recording(files: tuple[str, str], track: Track, tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    write_rerun(track, files[1], tmp_path / "a.rrd")
    content = (tmp_path / "a.rrd").read_bytes()
    assert content.startswith(b"RRF2")
    assert len(content) > 2000


def test_what_does_not_fit_is_refused(
    files: tuple[str, str], track: Track, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    boxes, clip = files
    longer = [tuple(box) for box in np.tile(track.boxes, (2, 1)).tolist()]
    write_boxes(tmp_path / "long.txt", longer)
    words = ["--video", clip, "--format", "mot", "--out", str(tmp_path / "out")]
    assert APP.main(["annotate", str(tmp_path / "long.txt"), *words]) == 1
    assert "do not belong together" in capsys.readouterr().err
    assert APP.main(["annotate", str(tmp_path / "none.txt"), *words]) == 1
    assert APP.main(["annotate", boxes, *words[2:], "--video", str(tmp_path / "no.mp4")]) == 1
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install rerun-sdk"):
        write_rerun(track, clip, tmp_path / "a.rrd")
