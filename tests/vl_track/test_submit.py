"""Zips for the servers: the exact members, and every reason a server would have to refuse."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from sets_support import data_tree, write, write_rows
from vl_track.app import APP

GOT, NET = "GOT-10k_test_000001", "ghi_2"


def run(*words: object) -> int:
    return APP.main(["submit", *map(str, words)])


def boxes(count: int = 24) -> np.ndarray:
    return np.array([[5 + 0.123456 * k, 8, 16, 12] for k in range(count)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return data_tree(tmp_path / "data", "got10k", "trackingnet")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in (GOT, NET):
        np.savetxt(_made(tmp_path / f"results/{name}.txt"), boxes(), fmt="%.6f", delimiter=",")
        write(tmp_path / f"results/{name}_time.txt", "0.05\n" * 24)
    return tmp_path / "results"


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_got10k(
    root: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "got.zip"
    assert run("got10k", "--results", results, "--root", root, "--out", target) == 0
    captured = capsys.readouterr()
    assert "1 sequences" in captured.out
    assert "1 of 180 test sequences are on disk" in captured.err
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [f"{GOT}/{GOT}_001.txt", f"{GOT}/{GOT}_time.txt"]
        lines = archive.read(f"{GOT}/{GOT}_001.txt").decode().splitlines()
        assert lines[:2] == ["5.0000,8.0000,16.0000,12.0000", "5.1235,8.0000,16.0000,12.0000"]
        assert len(archive.read(f"{GOT}/{GOT}_time.txt").split()) == 24


def test_trackingnet_is_flat_and_the_same_each_time(
    root: Path, results: Path, tmp_path: Path
) -> None:
    for target in ("a.zip", "b.zip"):
        words = ("--results", results, "--root", root, "--out", tmp_path / target)
        assert run("trackingnet", *words) == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == [f"{NET}.txt"]
        assert archive.read(f"{NET}.txt").decode().splitlines()[1] == "5.12,8.00,16.00,12.00"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("short", "has 23 boxes for 24 frames"),
        ("zero", "boxes without area or with no number"),
        ("nan", "boxes without area or with no number"),
        ("start", "does not begin with the given box"),
        ("times", "needs 24 times above 0"),
        ("malformed", "has no readable result"),
    ],
)
def test_what_a_server_would_reject_is_never_packed(
    damage: str, told: str, root: Path, results: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    rows = boxes()
    if damage == "short":
        rows = rows[:23]
    elif damage == "zero":
        rows[3, 2] = 0
    elif damage == "nan":
        rows[3, 0] = np.nan
    elif damage == "start":
        rows[0, 0] = 30
    elif damage == "times":
        write(results / f"{GOT}_time.txt", "0\n" * 24)
    write_rows(results / f"{GOT}.txt", rows[:, :3] if damage == "malformed" else rows)
    target = tmp_path / "x.zip"
    assert run("got10k", "--results", results, "--root", root, "--out", target) == 1
    assert told in capsys.readouterr().err
    assert not target.exists()


def test_a_missing_result_is_named(
    root: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / f"{NET}.txt").unlink()
    assert run("trackingnet", "--results", results, "--root", root) == 1
    assert "holds no result of any of the 1 sequences" in capsys.readouterr().err
    assert run("trackingnet", "--root", root) == 1
    assert "Which results?" in capsys.readouterr().err
    assert run("lasot", "--results", results) == 2
