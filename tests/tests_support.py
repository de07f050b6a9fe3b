"""Small helpers of several tests."""

import os
import tarfile
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


def unpack(archive: Path, place: Path) -> Path:
    """Unpack a tar file that we made; Python before 3.11.4 knows no filter of members."""
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(place, filter="data")
        else:
            packed.extractall(place)  # noqa: S202  (our own file)
    return place
