"""Fixtures of the tests of vl_track: material of Scenes, and what runs ``vl-track track``."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scenes_support import painted_root
from tracking_support import FindsRed, write_clip
from vl_track.app import APP


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a little material of Scenes."""
    return painted_root(tmp_path_factory.mktemp("scenes"))


@pytest.fixture
def track(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run the command with a network that finds red, in a folder of its own."""
    monkeypatch.setattr("vl_track.opening.open_network", lambda *_, **__: (FindsRed(), "cpu"))
    monkeypatch.chdir(tmp_path)
    return lambda *words: APP.main(["track", *words])


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """A short video of a red object."""
    return str(write_clip(tmp_path / "clip.mp4", 12))
