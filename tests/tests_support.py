"""Small helpers of several tests."""

import os
from pathlib import Path

import pytest

from conftest import REPOSITORY


def only_run(root: Path) -> Path:
    """Return the one run directory below ``root``."""
    runs = [path for path in root.iterdir() if path.is_dir()]
    assert len(runs) == 1, runs
    return runs[0]


def shared_file(name: str) -> Path:
    """A file of the shared data; the test is skipped where there is none."""
    folder = Path(os.environ.get("HOLDFAST_SHARED", REPOSITORY.parent / "shared"))
    path = folder / "data" / name
    if not path.is_file():
        pytest.skip(f"there is no {path}: set HOLDFAST_SHARED to the folder of shared data")
    return path
