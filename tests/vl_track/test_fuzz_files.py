"""Whatever bytes a file holds: the right numbers, or one sentence; never another exception."""

import json
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.errors import HoldfastError
from sets_support import TREES, data_tree
from vl_track.data.annotations import read_toolkit_annotations
from vl_track.data.clips import read_annotations
from vl_track.data.numbers import parse_flags, parse_numbers, parse_rows
from vl_track.data.sets.known import KNOWN, open_set
from vl_track.data.sets.refcoco import read_references
from vl_track.data.trees import open_tree
from vl_track.data.truth import TrueSequence
from vl_track.results import read_boxes
from vl_track.scoring.raw_results import read_results

LIKELY = st.text(alphabet="0123456789.,-+eE nainf\t\r\n;x\x00", max_size=200).map(str.encode)
BYTES = st.one_of(st.binary(max_size=200), LIKELY)
FUZZ = settings(
    max_examples=int(os.environ.get("HOLDFAST_FUZZ", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def tried(read: Callable[[], object]) -> object | None:
    """The result, or nothing where the file was refused by a sentence."""
    try:
        return read()
    except HoldfastError:
        return None


@FUZZ
@given(BYTES)
def test_numbers(content: bytes) -> None:
    rows = tried(lambda: parse_rows(content, 4, "x"))
    if isinstance(rows, np.ndarray):
        lines = [
            line for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
            if line.translate(bytes.maketrans(b",;\t\r", b"    ")).strip(b" ")
        ]  # fmt: skip
        assert rows.shape == (len(lines), 4)
    flags = tried(lambda: parse_flags(content, "x"))
    if isinstance(flags, np.ndarray):
        assert flags.dtype == bool
    tried(lambda: parse_numbers(content, "x"))


@FUZZ
@given(BYTES)
def test_result_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "b.txt").write_text("1,2,3,4\n")
    truths = [TrueSequence(name=name, boxes=np.ones((1, 4))) for name in "ab"]
    found = read_results(tmp_path, truths)
    assert "b" in found.boxes
    assert ("a" in found.boxes) != any(
        one.sequence == "a" and one.kind == "malformed" for one in found.findings
    )
    tried(lambda: read_boxes(tmp_path / "a.txt"))


@FUZZ
@given(BYTES)
def test_hand_annotations_and_toolkit_annotations(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "boxes.csv").write_bytes(content)
    tried(lambda: read_annotations(tmp_path / "boxes.csv"))
    (tmp_path / "groundtruth").mkdir(exist_ok=True)
    (tmp_path / "groundtruth/a.txt").write_bytes(content)
    tried(lambda: read_toolkit_annotations(tmp_path))


@FUZZ
@given(st.binary(max_size=300))
def test_archives(tmp_path: Path, content: bytes) -> None:
    for magic in (b"", b"PK\x03\x04", b"\xfd7zXZ\x00", b"\x1f\x8b\x08"):
        path = tmp_path / "x.archive"
        path.write_bytes(magic + content)
        tried(partial(open_tree, path))


@FUZZ
@given(st.binary(max_size=120), st.sampled_from([b"\x80\x02", b"\x80\x04", b""]))
def test_pickles_of_references(tmp_path: Path, content: bytes, start: bytes) -> None:
    path = tmp_path / "refs(google).p"
    path.write_bytes(start + content)
    tried(lambda: read_references(path))


ANNOTATIONS = (".txt", ".label", ".ini", ".json", ".p")


def damaged(content: bytes, generator: random.Random) -> bytes:
    """Cut, repeat, or change some bytes, as broken downloads and editors do."""
    what = generator.choice(["cut", "change", "empty", "repeat", "insert"])
    place = generator.randrange(len(content) + 1)
    if what == "cut":
        return content[:place]
    if what == "empty":
        return b""
    if what == "repeat":
        return content + content[:place]
    noise = bytes(generator.choice(b"0123456789,-.\n\x00\xffx{}[]") for _ in range(3))
    return content[:place] + noise + content[place + (3 if what == "change" else 0) :]


@pytest.mark.parametrize(
    "name", [n for n in TREES if not n.startswith("refcoco") or n == "refcocog"]
)
def test_damaged_data_sets_are_read_or_refused(name: str, tmp_path: Path) -> None:
    """Every annotation file of every data set, damaged in ten ways each."""
    folder = data_tree(tmp_path, name) / KNOWN[name].folder
    files = sorted(p for p in folder.rglob("*") if p.suffix in ANNOTATIONS)
    generator = random.Random(name)
    for path in files:
        whole = path.read_bytes()
        for _ in range(10):
            path.write_bytes(damaged(whole, generator))
            for split in KNOWN[name].counts:
                videos = tried(lambda split=split: open_set(name, split, root=tmp_path))  # type: ignore[misc]
                for known in list(getattr(videos, "names", []))[:3]:
                    video = tried(lambda k=known, v=videos: v.read(k))  # type: ignore[misc]
                    if video is not None:
                        assert len(video) == len(video.images) == len(video.visibility)  # type: ignore[attr-defined]
        path.write_bytes(whole)


def test_indices_that_are_json_but_not_an_index(tmp_path: Path) -> None:
    folder = data_tree(tmp_path, "coco") / "coco/annotations"
    for content in ([], {}, {"images": 3}, {"images": [], "annotations": [{}], "categories": []}):
        (folder / "instances_train2017.json").write_text(json.dumps(content))
        tried(lambda: open_set("coco", "train", root=tmp_path))
