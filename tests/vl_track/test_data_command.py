"""``vl-track data list`` and ``verify``: what is wrong is said exactly, whole trees pass."""

import json
from pathlib import Path

import pytest

from sets_support import data_tree, write
from vl_track.app import APP
from vl_track.data.sets.known import KNOWN


def run(*words: object) -> int:
    return APP.main(["data", *map(str, words)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return data_tree(tmp_path / "data", *KNOWN)


def test_the_list_says_size_licence_source_and_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_tree(tmp_path, "tnl2k")
    assert run("list", "--root", tmp_path) == 0
    printed = capsys.readouterr().out
    for known in KNOWN.values():
        for part in (known.name, known.title, known.size, known.licence, known.source):
            assert part in printed
        there = "there" if known.name == "tnl2k" else "not there"
        assert f"{tmp_path / known.folder} ({there})" in printed


def test_whole_sets_have_no_blocking_problem(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KNOWN:
        if name == "otb99_lang":  # its miniature misses a video
            continue
        assert run("verify", name, "--root", root, "--deep") == 0, name
    printed = capsys.readouterr().out
    assert "COCO 2017 train: nothing wrong" in printed
    assert "LaSOT test: 2 problems" in printed
    assert "the split: 2 sequences where 280 are published: get the missing ones" in printed
    assert "bear-1: 23 images and 24 boxes; the first 23 of both are used" in printed
    assert "leftover: belongs to no sequence: move it out" in printed
    assert "INF_run1: the sentence is empty" in printed


def test_a_missing_video_stops(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "otb99_lang", "--root", root, "--split", "test") == 1
    captured = capsys.readouterr()
    assert "STOPS  Lost: " in captured.out
    assert "has no folder Lost: get the videos again" in captured.out
    assert "1 problem of OTB99-Lang would stop a run" in captured.err


def test_damage_is_found_and_written(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = root / "webuav3m/Test/bicycle_1"
    (videos / "img/000004.jpg").write_bytes(b"")
    (videos / "img/000005.jpg").write_bytes(b"no picture")
    folder = root / "coco/images/val2017"
    (folder / "000000000001.jpg").unlink()
    assert run("verify", "webuav3m", "--root", root, "--split", "test") == 1
    printed = capsys.readouterr().out
    assert "1 images are empty files, the first is 000004.jpg" in printed
    assert "000005.jpg" not in printed
    out = tmp_path / "problems.json"
    assert run("verify", "webuav3m", "--root", root, "--split", "test", "--deep", "--out", out) == 1
    assert "000005.jpg is damaged" in capsys.readouterr().out
    problems = json.loads(out.read_text())["test"]
    assert sum(one["blocking"] for one in problems) == 2
    assert run("verify", "coco", "--root", root, "--split", "val") == 1
    assert "1 images are missing, the first is 000000000001.jpg" in capsys.readouterr().out


def test_annotations_that_cannot_be_used_stop(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root / "mgit/attribute/groundtruth/003.txt", "0,0,0,0\n" * 24)
    write(root / "lasot/airplane/airplane-1/groundtruth.txt", "1,2\n")
    assert run("verify", "mgit", "--root", root, "--split", "test") == 1
    assert "003: the object is never visible" in capsys.readouterr().out
    assert run("verify", "lasot", "--root", root, "--split", "test") == 1
    assert "has 2 values where 4 are due" in capsys.readouterr().out


def test_a_set_may_lie_elsewhere(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "mgit").rename(tmp_path / "elsewhere")
    assert run("verify", "mgit", tmp_path / "elsewhere", "--split", "val") == 0
    assert "MGIT val" in capsys.readouterr().out
    assert run("verify", "mgit", "--root", root) == 1
    assert "put the data set there" in capsys.readouterr().out


def test_what_cannot_be_verified_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify") == 1
    assert "Which data set? Take one of lasot, " in capsys.readouterr().err
    assert run("verify", "lassot") == 1
    assert "no data set 'lassot'" in capsys.readouterr().err
    assert run("check") == 2
