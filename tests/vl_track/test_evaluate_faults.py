"""``vl-track evaluate`` under faults: full disks, odd folders, the MATLAB layout, repeated runs."""

import errno
import json
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sets_support import write, write_rows
from toolkit_support import SIX_PREDICTED, SIX_TRUE, SIX_VISIBLE
from vl_track.app import APP

NAMES = ("seq one", "INF_run1", "a-2")


@pytest.fixture
def matlab(tmp_path: Path) -> Path:
    """TNL2K's toolkit: everything below annos/, a list of its own name, names with blanks."""
    root = tmp_path / "toolkit"
    for name in NAMES:
        write_rows(root / f"annos/{name}.txt", SIX_TRUE)
        write(root / f"annos/absent/{name}.txt", "".join(f"{int(not v)}\n" for v in SIX_VISIBLE))
        write(root / f"annos/att/{name}_attribute.txt", "\n".join("1" for _ in range(17)))
    return root


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in NAMES:
        write_rows(tmp_path / f"mine_tracking_result/{name}.txt", SIX_PREDICTED, "\t")
    return tmp_path / "mine_tracking_result"


def run(results: Path, annotations: Path, *words: object) -> int:
    given = ["evaluate", "--results", results, "--annotations", annotations, "--dataset", "tnl2k"]
    return APP.main([*map(str, given), *map(str, words), "--samples", "100"])


def test_the_matlab_layout_as_folder_tar_and_zip(
    matlab: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open(tmp_path / "annos.tar.gz", "w:gz") as archive:
        archive.add(matlab, ".")
    with zipfile.ZipFile(tmp_path / "annos.zip", "w") as zipped:
        for path in matlab.rglob("*.txt"):
            zipped.write(path, path.relative_to(matlab.parent))
    printed = []
    for source in (matlab, tmp_path / "annos.tar.gz", tmp_path / "annos.zip"):
        assert run(results, source, "--convention", "matlab") == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == printed[2]
    assert "convention matlab; 3 sequences of tnl2k, 18 frames" in printed[0]
    assert printed[0].startswith("tracker")
    assert "\nmine " in printed[0]


def test_the_same_command_writes_the_same_numbers(
    matlab: Path, results: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        assert run(results, matlab, "--out", tmp_path / name) == 0
    for file in ("scores.json", "table.csv", "table.tex", "toolkits.csv", "sequences.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    attributes = json.loads((tmp_path / "a/scores.json").read_text())["trackers"]["mine"]
    assert len(attributes["attribute_auc"]) == 17


def test_a_full_disk_is_told_and_leaves_the_old_report(
    matlab: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run(results, matlab, "--out", tmp_path / "out") == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    capsys.readouterr()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert run(results, matlab, "--out", tmp_path / "out", "--convention", "matlab") == 1
    captured = capsys.readouterr()
    assert "No space left on device" in captured.err
    assert "convention matlab" in captured.out  # what was computed is shown all the same
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_folders_that_hold_nothing_useful(
    matlab: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", matlab) == 1
    assert "holds no result of any of the 3 sequences" in capsys.readouterr().err
    assert run(tmp_path / "none", matlab) == 1
    assert "There is nothing at" in capsys.readouterr().err
    assert run(results, tmp_path / "empty") == 1
    assert "has no folder of ground truth" in capsys.readouterr().err
    assert run(results, matlab, "--convention", "mine") == 2


def test_flags_of_another_length_are_the_annotations_fault(
    matlab: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(matlab / "annos/absent/a-2.txt", "0\n0\n")
    assert run(results, matlab) == 1
    assert "a-2 has 6 boxes and 2 visibility flags" in capsys.readouterr().err


def test_decimals_cut_to_whole_numbers_change_the_score(
    matlab: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        write_rows(results / f"{name}.txt", np.array(SIX_TRUE) + np.array([0.9, 0.9, 0, 0]))
    scores = []
    for place, words in enumerate(((), ("--truncate",))):
        out = tmp_path / str(place)
        assert run(results, matlab, "--out", out, *words) == 0
        scores.append(json.loads((out / "scores.json").read_text()))
    assert [one["truncated"] for one in scores] == [False, True]
    aucs = [one["trackers"]["mine"]["scores"]["auc"] for one in scores]
    assert aucs[1] > aucs[0]
    assert "coordinates cut to whole numbers" in capsys.readouterr().out
