"""Folders that are prepared on first use: by one process at a time, and never over another's."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from holdfast.data.preparing import new_folder, only_preparer
from holdfast.errors import DataError


def prepare(root: Path, start: Barrier, made: list[int]) -> None:
    start.wait()
    target, record = root / "drawn", root / "drawn.json"
    with only_preparer(target):
        if record.is_file():
            return
        with new_folder(target, record) as building:
            made.append(1)
            for number in range(50):
                (building / f"{number}.txt").write_text("x")
        record.write_text(json.dumps({"count": 50}))


def test_of_two_preparers_the_second_finds_what_the_first_made(tmp_path: Path) -> None:
    start, made = Barrier(4), list[int]()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(prepare, tmp_path, start, made) for _ in range(4)]:
            done.result()
    assert made == [1]
    assert len(list((tmp_path / "drawn").iterdir())) == 50


def test_a_folder_without_our_record_stays(tmp_path: Path) -> None:
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn/mine.txt").write_text("years of work")
    with (
        pytest.raises(DataError, match="move the folder away"),
        new_folder(tmp_path / "drawn", tmp_path / "drawn.json"),
    ):
        pass
    assert (tmp_path / "drawn/mine.txt").read_text() == "years of work"


def test_a_folder_that_was_never_finished_is_ours_to_replace(tmp_path: Path) -> None:
    target, record = tmp_path / "drawn", tmp_path / "drawn.json"
    with new_folder(target, record) as building:
        (building / "old.txt").write_text("x")
    assert json.loads(record.read_text()) == {"unfinished": True}
    with new_folder(target, record) as building:
        (building / "new.txt").write_text("x")
    assert [path.name for path in target.iterdir()] == ["new.txt"]


def test_what_fails_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    target, record = tmp_path / "drawn", tmp_path / "drawn.json"
    with new_folder(target, record) as building:
        (building / "old.txt").write_text("x")
    record.write_text("{}")
    with pytest.raises(KeyboardInterrupt), new_folder(target, record):
        raise KeyboardInterrupt
    assert [path.name for path in target.iterdir()] == ["old.txt"]
    assert record.read_text() == "{}"
