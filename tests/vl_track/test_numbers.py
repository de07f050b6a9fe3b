"""Files of numbers and trees of files: right, or an error that names the line."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from vl_track.data import trees
from vl_track.data.numbers import _regular_rows, parse_flags, parse_numbers, parse_rows
from vl_track.data.trees import Tree, open_tree

NUMBERS = st.lists(
    st.tuples(*[st.floats(-1e6, 1e6, allow_subnormal=False)] * 4), min_size=0, max_size=40
)


def slow(text: str, columns: int) -> list[list[float]] | None:
    """Line by line; ``None`` where the file is malformed."""
    rows = []
    for line in text.split("\n"):
        words = line.replace(",", " ").replace("\t", " ").replace(";", " ").split()
        if not words:
            continue
        if len(words) != columns:
            return None
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            return None
    return rows


@given(
    NUMBERS, st.sampled_from([",", "\t", " ", ", ", ";", "\t\t"]), st.sampled_from(["\n", "\r\n"])
)
def test_rows_are_read_whatever_separates_them(
    rows: list[tuple[float, ...]], separator: str, newline: str
) -> None:
    text = "".join(separator.join(repr(v) for v in row) + newline for row in rows)
    found = parse_rows(text.encode(), 4, "x.txt")
    assert found.shape == (len(rows), 4)
    np.testing.assert_array_equal(found, np.array(rows, float).reshape(-1, 4))


@given(st.text(alphabet="0123456789.,-\t\n naife+", max_size=60), st.integers(1, 4))
def test_any_text_is_read_as_a_slow_reader_would_or_refused(text: str, columns: int) -> None:
    expected = slow(text, columns)
    try:
        found = parse_rows(text.encode(), columns, "x.txt")
    except DataError:
        assert expected is None
    else:
        assert expected is not None
        np.testing.assert_array_equal(found, np.array(expected, float).reshape(-1, columns))


@pytest.mark.parametrize("lines", [3, 300])
def test_a_word_that_is_no_number_is_refused_in_short_and_long_files(lines: int) -> None:
    good = "1,2,3,4\n" * lines
    assert parse_rows(good.encode(), 4, "x").shape == (lines, 4)
    for bad in ("1,2,x,4\n", "1,2,3\n", "1,2,3,4,5\n", "0x10,2,3,4\n", "1,2,3,4 5\n"):
        with pytest.raises(DataError):
            parse_rows((good + bad).encode(), 4, "x")
    with pytest.raises(DataError, match=rf"Line {lines + 2} of x has 3 values where 4"):
        parse_rows((good + "\n1,2,3\n" + good).encode(), 4, "x")


def test_special_numbers_and_marks() -> None:
    found = parse_rows(b"\xef\xbb\xbfnan,NaN,inf,-1e3\n", 4, "x")
    assert np.isnan(found[0, :2]).all()
    assert found[0, 2:].tolist() == [np.inf, -1000]
    assert parse_rows(b"", 4, "x").shape == (0, 4)
    assert parse_rows(b"\n \n", 4, "x").shape == (0, 4)


def test_flags_stand_on_one_line_or_many() -> None:
    assert parse_flags(b"0,1,0\n", "x").tolist() == [False, True, False]
    assert parse_flags(b"0\n1\n0\n", "x").tolist() == [False, True, False]
    with pytest.raises(DataError, match="zeros and ones"):
        parse_flags(b"0,2\n", "x")
    with pytest.raises(DataError, match="no number"):
        parse_flags(b"0,a\n", "x")
    assert parse_numbers(b"1 2\n3", "x").tolist() == [1, 2, 3]


def packed(folder: Path, kind: str) -> Path:
    (folder / "in/a").mkdir(parents=True)
    (folder / "in/a/one.txt").write_text("1")
    (folder / "in/two.txt").write_text("2")
    if kind == "folder":
        return folder / "in"
    path = folder / f"x.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(folder / "in/a/one.txt", "a/one.txt")
            archive.write(folder / "in/two.txt", "./two.txt")
            archive.writestr("../out.txt", "no")
    else:
        with tarfile.open(path, f"w:{kind.rpartition('.')[2]}") as archive:
            archive.add(folder / "in/a/one.txt", "./a/one.txt")
            archive.add(folder / "in/two.txt", "two.txt")
            info = tarfile.TarInfo("/abs.txt")
            info.size = 2
            archive.addfile(info, io.BytesIO(b"no"))
            link = tarfile.TarInfo("link.txt")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    return path


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz", "tar.xz"])
def test_trees_of_every_kind_are_the_same(kind: str, tmp_path: Path) -> None:
    tree = open_tree(packed(tmp_path, kind))
    assert tree.names == ["a/one.txt", "two.txt"]
    assert tree.read("a/one.txt") == b"1"
    assert tree.text("two.txt") == "2"
    assert "a/one.txt" in tree
    assert tree.below("a").names == ["one.txt"]
    assert tree.folders_with() == {"a": ["one.txt"], "": ["two.txt"]}
    with pytest.raises(DataError, match="has no file b"):
        tree.read("b")


def test_what_is_no_tree_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="There is nothing at"):
        open_tree(tmp_path / "none")
    (tmp_path / "text.tar").write_text("no archive")
    with pytest.raises(DataError, match="no readable archive"):
        open_tree(tmp_path / "text.tar")
    whole = packed(tmp_path, "tar.xz")
    whole.write_bytes(whole.read_bytes()[:90])
    with pytest.raises(DataError, match="no readable archive"):
        open_tree(whole)
    monkeypatch.setattr(trees, "MAX_MEMBER_BYTES", 0)
    (tmp_path / "again").mkdir()
    with pytest.raises(DataError, match="claims 1 bytes"):
        open_tree(packed(tmp_path / "again", "zip"))


def test_files_that_vanish_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1")
    tree: Tree = open_tree(tmp_path)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        tree.read("a.txt")


WORDS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**25), 10**25).map(str),
    st.sampled_from(["1.", ".5", "+3", "007", "1e5", "-0", "1E-3", "nan", "inf", "-inf", "1_0"]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=64, max_size=90))
def test_the_fast_way_reads_what_python_reads(words: list[str]) -> None:
    expected = [float(word) for word in words if "_" not in word]
    kept = [word for word in words if "_" not in word]
    found = parse_numbers(" ".join(kept).encode(), "x")
    assert np.array_equal(found, np.array(expected), equal_nan=True)


@pytest.mark.parametrize("word", ["true", "null", "false", '"5"', "[1]", "{}", "1_0", "--1", "e"])
def test_what_json_knows_but_is_no_number_is_refused(word: str) -> None:
    content = " ".join(["1.5"] * 70 + [word] + ["2"] * 5).encode()
    with pytest.raises(DataError, match="no number"):
        parse_numbers(content, "x")


@pytest.mark.parametrize(
    "text",
    ["1,2,3,4", "1,2,3,4\n", "1.5,-2,3e2,0.25\n5,6,7,8\n\n", "1,2\n3,4\n", "1,2,3\n4\n",
     "1,2,3,4,5,6,7,8", "1\n2\n3\n4\n", ",,,\n", "1,2,,4\n", "1,2,3,4\n\n5,6,7,8\n", "+1,2,3,4\n",
     "01,2,3,4\n", "1.,2,3,4\n", "1,2,3,4\r\n5,6,7,8\r\n", "", "\n\n", "1,2,3,\n4\n",
     "1e999,2,3,4\n", "123456789012345678901234,2,3,4\n", "1,2,3,4,\n"],
)  # fmt: skip
def test_regular_files_are_read_as_all_others_or_left_to_them(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short way may only answer what the long way answers."""

    def outcome() -> list[list[float]] | str:
        try:
            return parse_rows(text.encode(), 4, "file").tolist()
        except DataError as error:
            return str(error)

    found = outcome()
    monkeypatch.setattr("vl_track.data.numbers._regular_rows", lambda content, columns: None)
    assert found == outcome()


def test_the_short_way_is_taken_for_the_files_of_the_field() -> None:
    rows = np.round(np.random.default_rng(0).uniform(-50, 2000, (300, 4)), 2)
    text = "\n".join(",".join(f"{value:.2f}" for value in row) for row in rows) + "\n"
    assert np.array_equal(_regular_rows(text.encode(), 4), rows)
    assert _regular_rows(text.replace(",", "\t").encode(), 4) is None
