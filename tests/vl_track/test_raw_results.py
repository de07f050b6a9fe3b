"""Raw results in every layout, and what is said of those that are wrong."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import DataError
from sets_support import write
from vl_track.data.annotations import read_toolkit_annotations
from vl_track.data.attributes import name_attributes
from vl_track.data.truth import TrueSequence
from vl_track.scoring.raw_results import examine, read_many, read_results, result_folders

BOXES = np.array([[1, 2, 3, 4], [5.5, 6, 7, 8], [9, 10, 11.9, 12]])
TRUTHS = [TrueSequence(name=name, boxes=BOXES) for name in ("a-1", "b-2")]


def rows(separator: str = ",", boxes: np.ndarray = BOXES) -> str:
    return "".join(separator.join(f"{v:g}" for v in box) + "\n" for box in boxes)


def one_folder(root: Path) -> Path:
    """pytracking: tabs, times beside the boxes, files that are none."""
    for true in TRUTHS:
        write(root / f"{true.name}.txt", rows("\t"))
        write(root / f"{true.name}_time.txt", "0.5\n0.25\n0.25\n")
        write(root / f"{true.name}_all_scores.txt", "0.5\n")
    return root


def got10k_layout(root: Path) -> Path:
    for true in TRUTHS:
        write(root / true.name / f"{true.name}_001.txt", rows())
        write(root / true.name / f"{true.name}_time.txt", "1\n1\n1\n")
    return root


def got10k_other(root: Path) -> Path:
    for true in TRUTHS:
        write(root / f"{true.name}_001.txt", rows(" "))
        write(root / "times" / f"{true.name}_time.txt", "1\n1\n1\n")
    return root


def nested(root: Path) -> Path:
    one_folder(root / "tracking_results" / "Mine_tracking_result")
    return root


def zipped(root: Path) -> Path:
    one_folder(root / "in")
    path = root / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in (root / "in").iterdir():
            archive.write(file, file.name)
    return path


@pytest.mark.parametrize("layout", [one_folder, got10k_layout, got10k_other, nested, zipped])
def test_layouts(layout: object, tmp_path: Path) -> None:
    found = read_results(layout(tmp_path / "tracker"), TRUTHS)  # type: ignore[operator]
    assert set(found.boxes) == {"a-1", "b-2"}
    for boxes in found.boxes.values():
        np.testing.assert_array_equal(boxes, BOXES)
    assert found.findings == ()
    assert found.frames_per_second is not None
    names = {one_folder: "tracker", nested: "Mine", zipped: "mine"}
    assert found.tracker == names.get(layout, "tracker")  # type: ignore[call-overload]


def test_coordinates_are_cut_only_when_asked(tmp_path: Path) -> None:
    found = read_results(one_folder(tmp_path), TRUTHS, truncate=True, tracker="T")
    np.testing.assert_array_equal(found.boxes["a-1"], np.trunc(BOXES))
    assert found.tracker == "T"
    assert found.frames_per_second == pytest.approx(3)


def test_everything_wrong_is_said(tmp_path: Path) -> None:
    truths = [TrueSequence(name=name, boxes=BOXES) for name in "abcdefg"]
    write(tmp_path / "a.txt", rows(boxes=BOXES[:2]))
    write(tmp_path / "b.txt", rows(boxes=np.vstack([BOXES, BOXES])))
    write(tmp_path / "c.txt", "1,2,3\n")
    write(tmp_path / "d.txt", "")
    write(tmp_path / "e.txt", "1,2,3,4\n1,2,-3,4\nnan,2,3,4\n")
    write(tmp_path / "f.txt", rows())
    write(tmp_path / "f_time.txt", "oops\n")
    found = read_results(tmp_path, truths)
    said = {(one.sequence, one.kind) for one in found.findings}
    assert said == {
        ("a", "short"), ("b", "long"), ("c", "malformed"), ("d", "malformed"), ("e", "negative"),
        ("e", "not a number"), ("g", "missing"),
    }  # fmt: skip
    assert set(found.boxes) == {"a", "b", "e", "f"}
    assert found.seconds == {}
    texts = {one.kind: one.text for one in found.findings if one.sequence == "e"}
    assert texts["negative"].endswith("in 1 lines, the first of them line 2.")
    assert "line 3" in texts["not a number"]


def test_a_good_result_has_no_findings() -> None:
    assert examine(BOXES, TRUTHS[0]) == []


def test_folders_that_could_be_meant_are_listed(tmp_path: Path) -> None:
    one_folder(tmp_path / "x/one")
    one_folder(tmp_path / "x/two")
    with pytest.raises(DataError, match="results of 2 trackers or runs: name one of one, two"):
        read_results(tmp_path / "x", TRUTHS)
    with pytest.raises(DataError, match=r"holds no result of any of the 1 sequences: files z"):
        read_results(tmp_path, [TrueSequence(name="z", boxes=BOXES)])
    many = read_many([tmp_path / "x"], TRUTHS)
    assert [one.tracker for one in many] == ["one", "two"]
    with pytest.raises(DataError, match="no results to read"):
        read_many([], TRUTHS)


def test_trackers_of_one_name_are_told_apart(tmp_path: Path) -> None:
    one_folder(tmp_path / "x/same")
    one_folder(tmp_path / "y/same")
    names = [r.tracker for r in read_many([tmp_path / "x/same", tmp_path / "y/same"], TRUTHS)]
    assert names == [str(tmp_path / "x/same"), str(tmp_path / "y/same")]


def test_times_and_other_files_are_no_results(tmp_path: Path) -> None:
    from vl_track.data.trees import open_tree

    got10k_other(tmp_path / "t")
    assert result_folders(open_tree(tmp_path), ["a-1", "b-2"]) == ["t"]


def toolkit(root: Path, *, matlab: bool) -> Path:
    gt = root / ("annos" if matlab else "groundtruth")
    beside = gt if matlab else root
    for name in ("a-1", "b-2", "c-3"):
        write(gt / f"{name}.txt", rows())
        write(beside / "absent" / f"{name}.txt", "0\n1\n0\n" if name == "a-1" else "0\n0\n0\n")
        att = beside / ("att" if matlab else "attributes")
        suffix = "_attribute" if matlab else ""
        write(att / f"{name}{suffix}.txt", ",".join(["1", "0"] * 8 + ["1"]) + "\n")
    if not matlab:
        write(root / "nlp/a-1.txt", " the thing \n")
    write(root / "sequence_evaluation_config/testing_set.txt", "b-2\na-1\n")
    return root


@pytest.mark.parametrize("matlab", [False, True])
def test_toolkit_annotations(matlab: bool, tmp_path: Path) -> None:
    found = read_toolkit_annotations(toolkit(tmp_path, matlab=matlab), "tnl2k")
    assert [true.name for true in found] == ["b-2", "a-1"]
    assert found[1].visible is not None
    assert found[1].visible.tolist() == [True, False, True]
    assert found[1].sentence == ("" if matlab else "the thing")
    assert found[0].attributes == name_attributes("tnl2k", [1, 0] * 8 + [1])
    assert "modality switch" in found[0].attributes
    assert len(read_toolkit_annotations(tmp_path, names=["c-3"])) == 1


def test_toolkit_annotations_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder of ground truth"):
        read_toolkit_annotations(tmp_path)
    toolkit(tmp_path, matlab=False)
    with pytest.raises(DataError, match=r"has no file groundtruth/zz.txt"):
        read_toolkit_annotations(tmp_path, names=["zz"])
    write(tmp_path / "other_testing_set.txt", "a-1\n")
    with pytest.raises(DataError, match="several lists of sequences"):
        read_toolkit_annotations(tmp_path)


def test_attribute_names() -> None:
    assert name_attributes("lasot", [0] * 13 + [1]) == {"aspect ratio change"}
    assert name_attributes("webuav3m", [0] * 14 + [0, 1, 2]) == {"easy", "medium target", "long"}
    assert name_attributes("mine", [0, 1]) == {"attribute 2"}
