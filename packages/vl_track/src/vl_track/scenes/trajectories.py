"""Recorded motion: normalised object tracks read from annotations in LaSOT's layout."""

import io
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.archives import DAMAGED_ARCHIVE
from holdfast.errors import DataError

MIN_FRAMES = 60


def read_trajectories(source: str | Path) -> list[NDArray[np.float64]]:
    """Read every ground-truth file below a folder or in a tar file.

    Sizes of the videos are not needed: each track is scaled to the unit square by the extent of
    its own boxes, so it keeps its shape, speed and changes of size.

    Args:
        source: folder, or ``.tar`` in any compression, with comma-separated ``x,y,w,h`` files.

    Returns:
        Tracks (T, 4): centre x, centre y, width, height in [0, 1]; frames without a box repeat the
        one before.

    Raises:
        DataError: nothing to read there.
    """
    source = Path(source)
    found = trajectory_files(source)
    texts = [path.read_bytes() for path in found] if source.is_dir() else _read_archive(source)
    tracks = [track for text in texts if (track := _normalise(text)) is not None]
    if not tracks:
        raise DataError(f"{source} holds no ground truth with {MIN_FRAMES} boxes or more.")
    return tracks


def trajectory_files(source: Path) -> list[Path]:
    """Return the files that tracks are read from: of a folder, or the tar file itself.

    Raises:
        DataError: there is neither.
    """
    if source.is_dir():
        return sorted(path for path in source.rglob("*.txt") if _is_groundtruth(path))
    if source.is_file():
        return [source]
    raise DataError(f"There are no trajectories at {source}: give a folder or a tar file.")


def _is_groundtruth(path: Path) -> bool:
    """LaSOT's own layout, or its evaluation toolkit's ``groundtruth/<sequence>.txt``."""
    return path.name == "groundtruth.txt" or path.parent.name == "groundtruth"


def _read_archive(path: Path) -> list[bytes]:
    texts = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and _is_groundtruth(Path(member.name)):
                    file = archive.extractfile(member)
                    texts.append(file.read() if file else b"")
    except DAMAGED_ARCHIVE as error:
        raise DataError(f"{path} is not a readable tar file: {error}.") from error
    return texts


def _normalise(text: bytes) -> NDArray[np.float64] | None:
    boxes = np.loadtxt(io.BytesIO(text), delimiter=",", ndmin=2, dtype=np.float64)
    valid = np.asarray((boxes[:, 2:] > 0).all(axis=1))
    if len(boxes) < MIN_FRAMES or not valid[0]:
        return None
    # Index of the latest valid frame so far: absent frames repeat it.
    latest = np.maximum.accumulate(np.where(valid, np.arange(len(boxes)), 0))
    boxes = boxes[latest]
    low = boxes[:, :2].min(axis=0)
    extent = (boxes[:, :2] + boxes[:, 2:]).max(axis=0) - low
    centre = (boxes[:, :2] + boxes[:, 2:] / 2 - low) / extent
    return np.concatenate([centre, boxes[:, 2:] / extent], axis=1)
