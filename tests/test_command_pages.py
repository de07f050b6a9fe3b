"""docs/commands says what the commands' own help says."""

from dataclasses import replace

import pytest
from tools import command_pages

from conftest import REPOSITORY
from dropout_ft.app import APP as DROPOUT_FT
from vl_track.app import APP as VL_TRACK


@pytest.mark.parametrize("name", ["dropout_ft.md", "vl_track.md", "holdfast.md"])
def test_a_page_is_current(name: str) -> None:
    written = (REPOSITORY / "docs/commands" / name).read_text()
    assert written == command_pages.documents()[name], "python tools/command_pages.py"
    assert f"commands/{name}" in (REPOSITORY / "zensical.toml").read_text()


def test_every_command_and_option_is_on_its_page() -> None:
    for app in (DROPOUT_FT, VL_TRACK):
        page = command_pages.page_of(app)
        for name in app.commands:
            assert f"\n## {name}\n" in page
    assert "\n### `--box`\n\n`--box TEXT ...`: " in command_pages.page_of(VL_TRACK)


def test_a_page_follows_the_command() -> None:
    commands = {"track": replace(VL_TRACK.commands["track"], example="vl-track track other.mp4")}
    page = command_pages.page_of(replace(VL_TRACK, commands=commands))
    assert "vl-track track other.mp4" in page
    assert "## benchmark" not in page


def test_cells_of_a_table_hold_any_text() -> None:
    assert command_pages.escaped("a | b\n  <c>") == "a \\| b &lt;c>"
