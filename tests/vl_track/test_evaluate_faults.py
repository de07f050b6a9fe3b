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
from vl_track.data.annotations import read_toolkit_annotations

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
    assert printed[0].startswith("mine reaches AUC")
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


@pytest.mark.parametrize("packed", [False, True])
def test_tnl2ks_toolkit_is_read_as_it_comes(
    packed: bool, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case B9: annos/gt_rect was refused; one real sequence has a flag more than boxes."""
    toolkit = tmp_path / "TNL2K_evaluation_toolkit"
    for number, name in enumerate(NAMES):
        write_rows(toolkit / f"annos/gt_rect/{name}.txt", SIX_TRUE)
        write(toolkit / f"annos/absent/{name}.txt", "0\n" * (7 if number == 1 else 6))
        write(toolkit / f"annos/att/{name}.txt", ",".join(["1"] * 17) + "\n")
    write(toolkit / "readme.txt", "a toolkit")
    source = toolkit
    if packed:
        source = tmp_path / "toolkit.tar"
        with tarfile.open(source, "w") as archive:
            archive.add(toolkit, toolkit.name)
    assert run(results, source, "--convention", "matlab") == 0
    captured = capsys.readouterr()
    assert "3 sequences of tnl2k, 18 frames" in captured.out
    assert f"note: {NAMES[1]} has 6 boxes and 7 absence flags; the first 6" in captured.err
    found = read_toolkit_annotations(source, "tnl2k")
    assert all(len(one.attributes) == 17 for one in found)


def test_of_several_lists_the_one_whose_sequences_are_there_is_taken(
    matlab: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """LaSOT's toolkit has a list for LaSOT and another for its extension."""
    write(matlab / "sequence_evaluation_config/testing_set.txt", f"{NAMES[0]}\n{NAMES[1]}\n")
    write(matlab / "sequence_evaluation_config/extension_testing_set.txt", "atv-1\natv-2\n")
    assert run(results, matlab) == 0
    assert "2 sequences of tnl2k" in capsys.readouterr().out


def test_an_unreadable_result_says_why(
    matlab: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case B20: five columns gave "no readable result", and the reason only with --missing zero."""
    write(results / f"{NAMES[0]}.txt", "1,2,3,4,0.9\n" * 6)
    assert run(results, matlab) == 1
    told = capsys.readouterr().err
    assert "no readable result for 1 of 3 sequences" in told
    assert "has 5 values where 4 are due" in told


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
