"""Scenes are made up, so their commands work where there is no data folder yet.

``vl-track scenes write --emoji false`` failed in a fresh checkout ("There is no folder data") while
it worked wherever an earlier command had made the folder.
"""

from pathlib import Path

import pytest

from vl_track.app import APP
from vl_track.scoring.sets import open_set


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOLDFAST_DATA", raising=False)


def test_scenes_are_written_without_a_data_folder(tmp_path: Path) -> None:
    APP.main(["scenes", "write", "--emoji", "false", "--count", "1", "--out", "written"])
    assert (tmp_path / "written").is_dir()
    assert not (tmp_path / "data").exists()


def test_scenes_are_drawn_without_a_data_folder(tmp_path: Path) -> None:
    APP.main(["scenes", "sheet", "--emoji", "false", "--count", "1", "--out", "sheet.png"])
    assert (tmp_path / "sheet.png").is_file()


def test_scenes_are_a_data_set_without_a_data_folder() -> None:
    videos = open_set("scenes", "test", root="data", count=1)
    assert videos[0].name == "test-standard-0"
