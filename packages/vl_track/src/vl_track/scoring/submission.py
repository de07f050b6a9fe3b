"""The zip files that the servers of GOT-10k and TrackingNet expect."""

import io
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np

from holdfast.atomic import write_bytes
from holdfast.errors import DataError
from vl_track.data.file_video import FileVideo
from vl_track.scoring.raw_results import RawResults

Server = Literal["got10k", "trackingnet"]
STAMP = (2020, 1, 1, 0, 0, 0)
"""One date for all members: the same results give the same bytes."""


def pack(server: Server, results: RawResults, videos: list[FileVideo], target: Path) -> int:
    """Check results and write the zip.

    GOT-10k: ``<sequence>/<sequence>_001.txt`` (comma, four decimals) and ``<sequence>_time.txt``.
    TrackingNet: ``<sequence>.txt`` (comma, two decimals) in one flat folder.

    Args:
        server: whose.
        results: of every sequence, a box for every frame; GOT-10k also wants times.
        videos: of the test split.
        target: the zip to write.

    Returns:
        How many sequences are in it.

    Raises:
        DataError: something the server would reject; the first few sequences are named.
    """
    problems = [p for video in videos for p in problems_of(server, results, video)]
    if problems:
        more = f" ... and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise DataError(f"The server would reject this: {' '.join(problems[:5])}{more}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for video in videos:
            for name, text in _members(server, results, video.name):
                archive.writestr(zipfile.ZipInfo(name, STAMP), text, zipfile.ZIP_DEFLATED)
    write_bytes(target, buffer.getvalue())
    return len(videos)


def problems_of(server: Server, results: RawResults, video: FileVideo) -> list[str]:
    """Return what the server would reject about one sequence, a sentence each."""
    name, count = video.name, len(video.images)
    if name not in results.boxes:
        return [f"{name} has no readable result."]
    boxes = results.boxes[name]
    found = []
    if len(boxes) != count:
        found.append(f"{name} has {len(boxes)} boxes for {count} frames.")
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= 0).any():
        found.append(f"{name} has boxes without area or with no number.")
    if np.abs(boxes[0] - video.boxes[0]).max() > 1:
        found.append(f"{name} does not begin with the given box.")
    times = results.seconds.get(name)
    if server == "got10k" and (times is None or len(times) != count or (times <= 0).any()):
        found.append(f"{name} needs {count} times above 0.")
    return found


def _members(server: Server, results: RawResults, name: str) -> list[tuple[str, str]]:
    decimals = 4 if server == "got10k" else 2
    boxes = "".join(
        ",".join(f"{value:.{decimals}f}" for value in box) + "\n" for box in results.boxes[name]
    )
    if server == "trackingnet":
        return [(f"{name}.txt", boxes)]
    times = "".join(f"{value:.8f}\n" for value in results.seconds[name])
    return [(f"{name}/{name}_001.txt", boxes), (f"{name}/{name}_time.txt", times)]
