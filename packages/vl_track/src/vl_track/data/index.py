"""One index for all sequences of a data set: built once, mapped by all workers and ranks.

Reading a sequence from its files costs milliseconds (four small files and a folder of thousands of
names), which is paid once for each sequence instead of once for each training pair. The index lies
in the user's cache folder and is built again when a file it was made from has changed.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np
import orjson
from numpy.typing import NDArray

from holdfast.atomic import write_text
from holdfast.data.roots import cache_folder
from holdfast.errors import DataError, DiskError
from holdfast.locks import hold
from vl_track.data.columns import ColumnWriter, dumps, map_numbers, map_texts
from vl_track.data.file_video import FileVideo
from vl_track.data.frame_names import frame_names, open_frame_names
from vl_track.data.watching import watching

VERSION = 2
CURRENT = "current.json"
ROOT = "{root}"
"""Stands for the data set's folder in what is kept, so that a moved set has the same index."""
Signature = tuple[int, int]
"""Time of the last change in nanoseconds and size; (-1, -1) for what is missing."""


class IndexedFiles(Protocol):
    """What an index needs of a split of a data set (``FileSet`` of ``data/sets/base.py`` has it).

    Attributes:
        root: the data set's folder.
        split: which part.
        options: everything else that the list of sequences depends on.
        names: of the sequences.
        files_of_list: that the names were read from.
    """

    root: Path
    options: dict[str, Any]
    names: Sequence[str]
    files_of_list: frozenset[Path]

    @property
    def split(self) -> str:
        """Return which part."""

    def read(self, name: str) -> FileVideo:
        """Read a sequence's annotation and list its images."""


class SequenceIndex(Sequence[FileVideo]):
    """Every sequence of a split; a damaged one raises its error when it is asked for.

    Args:
        folder: of the columns.
        root: the data set's folder.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        self.records = map_texts(folder, "records")
        self.ends = map_numbers(folder, "ends")
        self.boxes: NDArray[np.float64] = map_numbers(folder, "boxes")
        self.visibility: NDArray[np.bool_] = map_numbers(folder, "visibility")
        self.absent: NDArray[np.bool_] = map_numbers(folder, "absent")

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.records)

    def __getitem__(self, number: int) -> FileVideo:  # type: ignore[override]
        """Return a sequence without reading any of its files.

        Raises:
            DataError: it could not be read when the index was built; the message is that error's.
        """
        number = range(len(self))[number]
        record = orjson.loads(self.records[number])
        if "error" in record:
            raise DataError(record["error"].replace(ROOT, str(self.root)))
        start = int(self.ends[number - 1]) if number else 0
        rows = slice(start, int(self.ends[number]))
        size = record.get("size")
        return FileVideo(
            name=record["name"],
            images=open_frame_names(record["images"], self.root),
            boxes=self.boxes[rows],
            visibility=self.visibility[rows],
            sentence=record.get("sentence", ""),
            class_name=record.get("class_name", ""),
            attributes=frozenset(record.get("attributes", ())),
            absent=self.absent[rows] if record.get("absent") else None,
            faults=tuple(record.get("faults", ())),
            size=None if size is None else (size[0], size[1]),
        )


def open_index(videos: IndexedFiles) -> SequenceIndex:
    """Map the index of a data set; build it first where there is none, or an outdated one.

    Several processes may ask at once: one builds, the others wait.
    """
    return SequenceIndex(open_columns(videos, lambda folder: _build(videos, folder)), videos.root)


def open_columns(videos: IndexedFiles, build: Callable[[Path], Iterable[Path]]) -> Path:
    """Return the folder of a data set's columns, building them where they are not valid.

    Args:
        videos: the data set.
        build: writes the columns into a folder, and returns the files they were made from.
    """
    path = _path_of(videos)
    try:
        with hold(path.with_suffix(".lock")):
            return _valid(path, videos) or _rebuilt(path, videos, build)
    except OSError as error:
        raise DiskError(
            f"The index of {videos.root} cannot be kept in {path} ({error.strerror}): free some "
            "space, or name another folder in HOLDFAST_CACHE."
        ) from error


def _rebuilt(path: Path, videos: IndexedFiles, build: Callable[[Path], Iterable[Path]]) -> Path:
    sys.stderr.write(f"building the index of {videos.root}, {videos.split} (once)\n")
    old, folder = _read_current(path), path / uuid4().hex[:12]
    whole = False
    try:
        made_from = {*build(folder), *videos.files_of_list}
        signatures = {str(one.absolute()): signature_of(one) for one in sorted(made_from)}
        content = {"folder": folder.name, "made_from": signatures}
        write_text(path / CURRENT, json.dumps(content) + "\n")
        whole = True
    finally:
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)
    if old is not None:
        shutil.rmtree(path / old["folder"], ignore_errors=True)  # maps of it stay valid
    return folder


def signature_of(path: Path) -> Signature:
    """Return what changes when a file or folder does."""
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_mtime_ns, found.st_size


def _path_of(videos: IndexedFiles) -> Path:
    parts = [VERSION, str(videos.root.resolve()), type(videos).__name__, videos.split]
    text = json.dumps([*parts, {key: repr(value) for key, value in videos.options.items()}])
    return cache_folder() / "indexes" / sha256(text.encode()).hexdigest()[:16]


def _read_current(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((path / CURRENT).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and (path / found["folder"]).is_dir() else None


def _valid(path: Path, videos: IndexedFiles) -> Path | None:
    current = _read_current(path)
    if current is None:
        return None
    made_from = current["made_from"]
    if any(str(one.absolute()) not in made_from for one in videos.files_of_list):
        return None
    if any(signature_of(Path(one)) != tuple(found) for one, found in made_from.items()):
        return None
    return path / str(current["folder"])


def _build(videos: IndexedFiles, folder: Path) -> set[Path]:
    """Read every sequence and write the columns."""

    def read(name: str) -> tuple[FileVideo | DataError, set[Path]]:
        with watching() as looked_at:
            try:
                return videos.read(name), looked_at
            except DataError as error:
                return error, looked_at

    records: list[str] = []
    lengths: list[int] = []
    boxes, visibility, absent = [np.zeros((0, 4))], [np.zeros(0, bool)], [np.zeros(0, bool)]
    made_from: set[Path] = set()
    with ThreadPoolExecutor(max_workers=8) as pool:
        for name, (found, looked_at) in zip(
            videos.names, pool.map(read, videos.names), strict=True
        ):
            made_from |= looked_at
            if isinstance(found, DataError):
                error = str(found).replace(str(videos.root), ROOT)
                records.append(dumps({"name": name, "error": error}))
                lengths.append(0)
                continue
            records.append(dumps(_record(found, videos.root)))
            lengths.append(len(found))
            boxes.append(found.boxes)
            visibility.append(found.visibility)
            absent.append(np.zeros(len(found), bool) if found.absent is None else found.absent)
    writer = ColumnWriter(folder)
    writer.texts("records", records)
    writer.numbers("ends", np.cumsum(lengths, dtype=np.int64))
    for column, parts in (("boxes", boxes), ("visibility", visibility), ("absent", absent)):
        writer.numbers(column, np.concatenate(parts))
    return made_from


def _record(video: FileVideo, root: Path) -> dict[str, object]:
    record: dict[str, object] = {
        "name": video.name,
        "images": frame_names(video.images, root),
        "sentence": video.sentence,
        "class_name": video.class_name,
        "attributes": sorted(video.attributes),
        "absent": video.absent is not None,
        "faults": video.faults,
        "size": video.size,
    }
    return {key: value for key, value in record.items() if value}
