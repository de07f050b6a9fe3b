"""Labels in a CSV: the same run as folders give, and one sentence for whatever is wrong with it."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from csv_support import HEADER, rows_of, write_list
from dropout_ft.data.domains import DomainData
from dropout_ft.data.sources import CsvSource, IWildCam, Source
from dropout_ft.results.run import load_run
from holdfast.errors import DataError
from tests_support import only_run

Run = Callable[[list[str]], int]


@pytest.mark.parametrize("absolute", [False, True])
def test_a_list_is_the_folder_it_describes(own_pictures: Path, absolute: bool) -> None:
    """Same classes, domains, pictures and splits, whatever the order of the rows."""
    listed = write_list(own_pictures / "all.csv", rows_of(own_pictures, absolute=absolute))
    other, folder = CsvSource(str(listed)), Source(str(own_pictures))
    assert other.class_names == folder.class_names
    assert other.domain_names == folder.domain_names
    for ours, theirs in zip(other.domains(), folder.domains(), strict=True):
        assert list(ours.paths) == list(theirs.paths)
        assert np.array_equal(ours.labels, np.asarray(theirs.labels))
    tables = [DomainData(str(one), ["a"]).table for one in (listed, own_pictures)]
    assert np.array_equal(tables[0].label, tables[1].label)
    assert list(tables[0].paths) == list(tables[1].paths)


def test_the_fingerprint_follows_labels_and_not_the_place(
    own_pictures: Path, tmp_path: Path
) -> None:
    rows = rows_of(own_pictures)
    first = CsvSource(str(write_list(own_pictures / "all.csv", rows))).fingerprint(content=False)
    moved = tmp_path / "moved"
    shutil.copytree(own_pictures, moved)
    assert CsvSource(str(moved / "all.csv")).fingerprint(content=False) == first
    rows[0][2] = "blue" if rows[0][2] != "blue" else "red"
    changed = CsvSource(str(write_list(own_pictures / "b.csv", rows))).fingerprint(content=False)
    assert changed.digest != first.digest


def broken(root: Path, line: int, column: int, text: str) -> Path:
    rows = rows_of(root)
    rows[line - 2][column] = text
    return write_list(root / "all.csv", rows)


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        (0, "", "line 4 has an empty cell in column 'path'"),
        (2, " ", "line 4 has an empty cell in column 'label'"),
        (0, "gone.png", "line 4: there is no file"),
        (0, "notes.txt", "line 4: notes.txt is not named like an image"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    own_pictures: Path, column: int, text: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        CsvSource(str(broken(own_pictures, 4, column, text))).domains()


def test_a_path_twice_a_column_less_and_no_file_at_all(own_pictures: Path) -> None:
    rows = rows_of(own_pictures)
    again = ["a/../" + rows[0][0], "", "red", "b"]
    with pytest.raises(DataError, match=f"line {len(rows) + 2} lists .* as line 2 does"):
        CsvSource(str(write_list(own_pictures / "x.csv", [*rows, again]))).domains()
    other = write_list(own_pictures / "y.csv", rows, ["path", "comment", "label", "site"])
    with pytest.raises(DataError, match="line 1 has no column 'domain'"):
        CsvSource(str(other)).domains()
    with pytest.raises(DataError, match="There is no list of images"):
        CsvSource(str(own_pictures / "none.csv")).domains()
    only = [row for row in rows if row[3] == "a"]
    with pytest.raises(DataError, match="fewer than two domains"):
        CsvSource(str(write_list(own_pictures / "z.csv", only))).domains()
    fewer = [row for row in rows if row[2:] != ["red", "a"]]
    few = write_list(own_pictures / "few.csv", fewer)
    with pytest.raises(DataError, match="no image of class 'red' in domain 'a'"):
        CsvSource(str(few)).domains()
    assert len(CsvSource(str(few), allow_missing_classes=True).domains()) == 3
    (own_pictures / "binary.csv").write_bytes(b"path,label,domain\n\xff\xfe,a,b\n")
    with pytest.raises(DataError, match="UTF-8"):
        CsvSource(str(own_pictures / "binary.csv")).domains()


def test_fit_verify_predict_and_report_take_a_list(
    own_pictures: Path, tmp_path: Path, tiny_arguments: Callable[..., list[str]], dropout_ft: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """From the command line to the page; outputs may lie beside the list."""
    listed = write_list(own_pictures / "all.csv", rows_of(own_pictures))
    assert dropout_ft(["verify", str(listed)]) == 0
    assert "no problems found" in capsys.readouterr().out
    words = tiny_arguments("fit", "--data.source", str(listed), "--data.test_domains", "[a]",
                           "--run.root", str(own_pictures / "runs"))  # fmt: skip
    assert dropout_ft(words) == 0
    run = only_run(own_pictures / "runs")
    assert load_run(run).coordinates.source == "CsvSource"
    answers = tmp_path / "answers.csv"
    ckpt = run / "checkpoints/last.ckpt"
    pictures = str(own_pictures / "a")
    assert dropout_ft(["predict", pictures, "--ckpt", str(ckpt), "--out", str(answers)]) == 0
    with answers.open() as file:
        assert {row["class"] for row in csv.DictReader(file)} <= {"blue", "green", "red"}
    out = tmp_path / "report"
    assert dropout_ft(["report", str(run), "--out", str(out), "--methods", "MC dropout"]) == 0
    assert "MC dropout" in (out / "results.csv").read_text()
    (own_pictures / "a/red/00.png").unlink()
    assert dropout_ft(["verify", str(listed)]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_the_list_itself_is_not_written_over(
    own_pictures: Path, dropout_ft: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = write_list(own_pictures / "all.csv", rows_of(own_pictures))
    assert dropout_ft(["advise", str(listed), "--out", str(listed), "--onnx", "false"]) == 1
    assert "is an input" in capsys.readouterr().err


def test_a_comma_without_quotes_and_a_column_twice(own_pictures: Path) -> None:
    """Were: a cell cut off at its comma, and the last of two columns read without a word."""
    rows = rows_of(own_pictures)
    rows[1].append("more")
    with pytest.raises(DataError, match="line 3 has more cells than the header: put quotes"):
        CsvSource(str(write_list(own_pictures / "x.csv", rows))).domains()
    rows = [[*row, "red"] for row in rows_of(own_pictures)]
    twice = write_list(own_pictures / "y.csv", rows, [*HEADER, "label"])
    with pytest.raises(DataError, match="line 1 names the column 'label' twice"):
        CsvSource(str(twice)).domains()
    (own_pictures / "metadata.csv").write_text("split,y,filename\ntrain,0,a.jpg,b\n")
    with pytest.raises(DataError, match="line 2 has more cells than the header"):
        IWildCam(str(own_pictures)).domains()
    (own_pictures / "metadata.csv").write_text("split,y,y,filename\n")
    with pytest.raises(DataError, match="names 'y' twice"):
        IWildCam(str(own_pictures)).domains()


def test_slashes_in_names_make_no_group_and_no_collision(own_pictures: Path) -> None:
    names = {"a": "site/1", "b": "site/2", "c": "site%2F1"}
    rows = [[*row[:3], names.get(row[3], row[3])] for row in rows_of(own_pictures)]
    found = CsvSource(str(write_list(own_pictures / "x.csv", rows)))
    groups = found.fingerprint(content=False).groups
    assert {"site%2F1", "site%2F2", "site%252F1"} <= set(groups)
    assert len(groups) == len(found.domain_names)
