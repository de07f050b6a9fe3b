"""The contact sheet shows every style and class, and the record names every licence."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_ft.app import APP
from dropout_ft.data.sources.contact_sheet import CELL, HEADER, MARGIN, write_contact_sheet
from emoji_support import small_emoji_root

COLOURS = {"cat": (200, 0, 0), "dog": (0, 200, 0), "owl": (0, 0, 200)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for style in ("one", "two"):
        for name, colour in COLOURS.items():
            place = tmp_path / "set" / style / name
            place.mkdir(parents=True)
            for number in range(3):
                Image.new("RGB", (16, 16), colour).save(place / f"{number}.png")
    return tmp_path / "set"


def test_each_cell_shows_its_class(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    write_contact_sheet(folder, target)
    sheet = np.asarray(Image.open(target))
    assert sheet.shape == (HEADER + 2 * CELL, MARGIN + 3 * CELL, 3)
    for row in range(2):
        for column, colour in enumerate(COLOURS.values()):
            y, x = HEADER + row * CELL + CELL // 2, MARGIN + column * CELL + CELL // 2
            assert sheet[y, x].tolist() == list(colour)


def test_sheet_is_written_atomically(folder: Path, tmp_path: Path) -> None:
    write_contact_sheet(folder, tmp_path / "sheet.png")
    assert not list(tmp_path.glob("*.tmp"))


def test_prepare_command_says_where_everything_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = small_emoji_root(tmp_path, monkeypatch)
    assert APP.main(["prepare", "--root", str(root)]) == 0
    output = capsys.readouterr().out
    for name in ("emoji_styles.json", "emoji_styles_contact_sheet.png"):
        assert name in output
        assert (root / name).is_file()
    record = json.loads((root / "emoji_styles.json").read_text())
    assert len(record["styles"]) == 5
    assert record["changes"]
    left = [path.name for path in root.glob(".emoji_styles*")]
    assert left == [".emoji_styles.lock"], "no half-made folder is left"
