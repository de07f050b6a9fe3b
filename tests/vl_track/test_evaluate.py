"""``vl-track evaluate``: golden numbers through the command line, reports, and refusals."""

import csv
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import DataError
from sets_support import data_tree, write, write_rows
from tests_support import shared_file
from toolkit_support import (
    SIX_PREDICTED,
    SIX_TRUE,
    SIX_VISIBLE,
    perturbed,
    six_frames,
)
from vl_track.app import APP
from vl_track.data.annotations import read_toolkit_annotations
from vl_track.scoring.analysis import analyse
from vl_track.scoring.averages import got_scores
from vl_track.scoring.conventions import NAMES, convention
from vl_track.scoring.raw_results import RawResults
from vl_track.scoring.scores import score
from vl_track.scoring.truths import read_truths

NAMES_OF_ALL = ("six", "two", "three", "four")


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    root = tmp_path / "annotations"
    for place, name in enumerate(NAMES_OF_ALL):
        write_rows(root / f"groundtruth/{name}.txt", SIX_TRUE)
        write(root / f"absent/{name}.txt", "".join(f"{int(not v)}\n" for v in SIX_VISIBLE))
        flags = [int(k in {0, 1 + place % 2, 5}) for k in range(14)]
        write(root / f"attributes/{name}.txt", ",".join(map(str, flags)))
    return root


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for tracker, shift in (("mine", 0), ("other", 6)):
        for name in NAMES_OF_ALL:
            boxes = np.array(SIX_PREDICTED) + np.array([shift, 0, 0, 0])
            write_rows(tmp_path / "results" / tracker / f"{name}.txt", boxes)
            write(tmp_path / "results" / tracker / f"{name}_time.txt", "0.1\n" * 6)
    return tmp_path / "results"


def run(*words: object) -> int:
    return APP.main(["evaluate", *map(str, words), "--samples", "200"])


def test_the_six_frame_numbers_on_the_terminal(
    results: Path, annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--results", results / "mine", "--annotations", annotations)
    assert run(*words) == 0
    printed = capsys.readouterr().out
    assert re.search(
        r"stark \(label 'lasot'\)\s+42\.0635\s+50\.0000\s+50\.0000\s+50\.0000", printed
    )
    assert re.search(r"pytracking \(label 'lasot'\)\s+29\.3651\s+33\.3333\s+33\.3333", printed)
    assert "convention stark (label 'lasot'); 4 sequences of lasot, 24 frames" in printed
    assert "10.0" in printed  # FPS
    assert run(*words, "--convention", "matlab") == 0
    assert "convention matlab" in capsys.readouterr().out
    assert run(*words, "--dataset", "tnl2k") == 0
    assert "stark (label 'tnl2k')" in capsys.readouterr().out
    assert run(*words, "--dataset", "tnl2k", "--label", "lasot", "--sequences", "six") == 0
    assert "stark (label 'lasot'); 1 sequences of tnl2k" in capsys.readouterr().out


def test_reports_are_whole_and_name_their_convention(
    results: Path, annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("--results", results / "mine", "--compare", results / "other", "--annotations",
               annotations, "--out", out, "--convention", "mmot") == 0  # fmt: skip
    record = json.loads((out / "scores.json").read_text())
    assert record["convention"] == "mmot"
    assert set(record["trackers"]) == {"mine", "other"}
    mine, other = record["trackers"]["mine"], record["trackers"]["other"]
    assert mine["compared"] is None
    assert other["compared"]["difference"]["mean"] == pytest.approx(
        mine["scores"]["auc"] - other["scores"]["auc"]
    )
    assert other["compared"]["better"] == 4
    assert set(mine["sequence_auc"]) == set(NAMES_OF_ALL)
    assert set(mine["attribute_auc"]) == {
        "illumination variation", "partial occlusion", "deformation", "rotation",
    }  # fmt: skip
    assert "cAUC" in capsys.readouterr().out
    for name in ("table.csv", "toolkits.csv", "attributes.csv", "sequences.csv"):
        rows = list(csv.reader((out / name).read_text().splitlines()))
        assert rows[0][-1] == "how"
        assert all("convention mmot" in row[-1] for row in rows[1:])
    assert "convention mmot" in (out / "table.tex").read_text()
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 5  # the complete overlap has its own
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    for heading in ("What would the other toolkits say?", "AUC by attribute", "AUC by sequence"):
        assert heading in page


def test_a_folder_of_trackers_is_a_table(
    results: Path, annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--results", results, "--annotations", annotations) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^mine\b", printed, re.M)
    assert re.search(r"^other\b", printed, re.M)


def test_missing_results_are_never_scored_silently(
    results: Path, annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / "mine/two.txt").unlink()
    write(results / "mine/three.txt", "1,2,3\n")
    words = ("--results", results / "mine", "--annotations", annotations)
    assert run(*words) == 1
    explained = capsys.readouterr().err
    assert "mine has no readable result for 2 of 4 sequences (three, two)" in explained
    assert run(*words, "--missing", "skip") == 0
    captured = capsys.readouterr()
    assert "2 sequences have no result and are left out" in captured.out
    assert "three, two" in captured.out
    assert "There is no result for two" in captured.err
    assert run(*words, "--missing", "zero") == 0
    assert "4 sequences of lasot" in capsys.readouterr().out


def test_strictness(results: Path, annotations: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(results / "mine/six.txt", [*SIX_PREDICTED[:5], (1, 1, -4, 3)])
    words = ("--results", results / "mine", "--annotations", annotations)
    assert run(*words) == 0
    assert "negative side in 1 lines, the first of them line 6" in capsys.readouterr().err
    assert run(*words, "--strict") == 1
    assert "refuses" in capsys.readouterr().err


def test_got10ks_ao_and_sr_come_out_of_evaluate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case B10: AO and SR were advertised and not reachable."""
    root = data_tree(tmp_path / "data", "got10k")
    (true,) = read_truths("got10k", root=str(root))
    moved = true.boxes + np.array([4.0, 0, 0, 0])
    folder = tmp_path / "results/mine" / true.name
    write(folder / f"{true.name}_001.txt", "".join(",".join(map(str, b)) + "\n" for b in moved))
    out = tmp_path / "out"
    words = ("--results", tmp_path / "results", "--root", root, "--dataset", "got10k")
    assert run(*words, "--out", out) == 0
    captured = capsys.readouterr().out
    assert all(name in captured for name in ("AO", "SR50", "SR75", "as GOT-10k's toolkit"))
    expected = got_scores([true], {true.name: moved})
    found = json.loads((out / "scores.json").read_text())["trackers"]["mine"]["averages"]
    assert found == {"AO": expected.ao, "SR50": expected.sr50, "SR75": expected.sr75}
    assert 0 < expected.ao < 100


def test_the_data_set_itself_can_be_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = data_tree(tmp_path / "data", "lasot", "got10k")
    for name in ("airplane-1", "bear-4"):
        source = root / "lasot" / name.rsplit("-", 1)[0] / name / "groundtruth.txt"
        write(tmp_path / f"results/mine/{name}.txt", source.read_text())
    assert run("--results", tmp_path / "results", "--root", root) == 0
    assert "2 sequences of lasot, 14 frames" in capsys.readouterr().out
    words = ("--results", tmp_path / "results", "--root", root, "--dataset", "got10k")
    assert run(*words, "--split", "test") == 1
    assert "only first boxes; it is scored by its server" in capsys.readouterr().err
    assert run("--results", tmp_path / "results", "--root", root, "--sequences", "none") == 1
    assert "has none of the sequences none" in capsys.readouterr().err
    assert run("--root", root) == 1
    assert "Which results?" in capsys.readouterr().err


def test_nothing_left_is_told() -> None:
    empty = RawResults(tracker="x", source="x", boxes={}, seconds={})
    with pytest.raises(DataError, match="nothing to score"):
        analyse([six_frames()], [empty], convention("stark"), dataset="lasot", missing="skip")


GOLDEN = {
    "gt": {
        ("stark", "lasot"): (92.7414, 97.3785, 97.3785, 97.3790, 97.3790),
        ("pytracking", "lasot"): (92.7414, 97.3785, 97.3785, 97.3790, 97.3790),
        ("matlab", "lasot"): (92.7414, 97.3785, 97.3790, 97.3790, 97.3790),
        ("stark", "other"): (92.7414, 97.3785, 97.3785, 100.0, 100.0),
        ("got10k", "lasot"): (93.8382, 98.5301, 100.0, 100.0, 100.0),
    },
    "perturb": {
        ("stark", "lasot"): (59.2195, 92.6780, 40.9076, 76.9416, 60.3855),
        ("pytracking", "lasot"): (59.2195, 92.6780, 40.9076, 76.9416, 60.3855),
        ("matlab", "lasot"): (59.2195, 92.6780, 40.9081, 76.9416, 60.3855),
        ("stark", "other"): (59.2195, 92.6780, 40.9076, 79.5626, 63.0065),
        ("got10k", "lasot"): (59.8116, 93.4134, 41.8380, 77.4237, 60.9214),
    },
}


def test_lasots_golden_numbers_to_the_last_digit() -> None:
    """Facts 3.6, on the real annotations: 280 sequences, 685,360 frames."""
    truths = read_toolkit_annotations(shared_file("lasot_test_annotations.tar.xz"))
    assert (len(truths), sum(len(true.boxes) for true in truths)) == (280, 685_360)
    assert sum(int((~true.visible).sum()) for true in truths if true.visible is not None) == 18_346
    predictors = {
        "gt": {true.name: true.boxes for true in truths},
        "perturb": {true.name: perturbed(true.boxes) for true in truths},
    }
    for name, expected in GOLDEN.items():
        for (toolkit, label), numbers in expected.items():
            rules = convention(toolkit, label)  # type: ignore[arg-type]
            found = score(truths, predictors[name], rules, strict=False).figures()
            got = (found["auc"], found["op50"], found["precision"], found["normalised_at"],
                   found["normalised_mean"])  # fmt: skip
            assert [f"{value:.4f}" for value in got] == [f"{value:.4f}" for value in numbers]
    begun = time.process_time()
    for toolkit in NAMES:
        score(truths, predictors["perturb"], convention(toolkit), strict=False).figures()
    assert time.process_time() - begun < 12, "scoring LaSOT under every convention takes seconds"
