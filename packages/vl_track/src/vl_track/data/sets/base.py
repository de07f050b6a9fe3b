"""What every reader offers: videos on disk, and what is wrong with them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.data.jpeg import read_jpeg, shrinking
from holdfast.errors import DataError
from vl_track.data.geometry import Box, Window, as_box
from vl_track.data.numbers import parse_flags, parse_numbers, parse_rows
from vl_track.data.pictures import crop_picture, read_picture
from vl_track.data.video import Picture, crop_shrunk
from vl_track.scoring.benchmark import TrueSequence

Split = Literal["train", "val", "test"]
PICTURES = {".jpg", ".jpeg", ".png", ".bmp"}


@dataclass(frozen=True, kw_only=True, eq=False)
class FileVideo:
    """A video of a data set; satisfies :class:`vl_track.data.video.Video`.

    Attributes:
        name: unique in its data set.
        pictures: one file a frame, in order.
        boxes: (T, 4), the file's own numbers, as every toolkit compares them (LaSOT and TNL2K count
            pixels from 1, and nobody in the field shifts them).
        seen: (T,) whether the object can be seen.
        sentence: about the object; empty if there is none.
        kind: the object's class name, where the data set has one.
        attributes: names of what is hard about it.
        absent: (T,) the evaluation's absence flags, where they differ from ``seen``.
        faults: what is wrong with its files, a sentence each, and what was done about it.
        size: width, height, where the annotation says it.
        scaled: decode JPEG at half, a quarter or an eighth where a crop is shrunk as much.
    """

    name: str
    pictures: tuple[Path, ...] = field(repr=False)
    boxes: NDArray[np.float64] = field(repr=False)
    seen: NDArray[np.bool_] = field(repr=False)
    sentence: str = ""
    kind: str = ""
    attributes: frozenset[str] = frozenset()
    absent: NDArray[np.bool_] | None = field(default=None, repr=False)
    faults: tuple[str, ...] = ()
    size: tuple[float, float] | None = None
    scaled: bool = False

    def __len__(self) -> int:
        """Return the number of frames that have both a picture and a box."""
        return len(self.boxes)

    def frame(self, time: int) -> Picture:
        """Decode a frame to RGB.

        Raises:
            ImageError: missing or damaged.
        """
        return read_picture(self.pictures[time])

    def box(self, time: int) -> Box:
        """Return the true box."""
        return as_box(self.boxes[time])

    def visible(self, time: int) -> bool:
        """Tell whether the object can be seen."""
        return bool(self.seen[time])

    def crop(self, time: int, window: Window, size: int) -> Picture:
        """Return a window of a frame."""
        shrink = shrinking(window.side, size) if self.scaled else 1
        small = read_jpeg(self.pictures[time], shrink=shrink) if shrink > 1 else None
        if small is not None:
            return crop_shrunk(small, window, size, shrink)
        return crop_picture(self.pictures[time], window, size)

    def truth(self) -> TrueSequence:
        """Return what the evaluator needs."""
        return TrueSequence(
            name=self.name,
            boxes=self.boxes,
            visible=None if self.absent is None else ~self.absent,
            attributes=self.attributes,
            size=self.size,
            sentence=self.sentence,
        )


class VideoSet(ABC, Sequence[FileVideo]):
    """A split of a data set on disk.

    Args:
        root: the data set's folder.
        split: which part.
    """

    splits: tuple[Split, ...] = ("train", "test")

    def __init__(self, root: Path, split: Split) -> None:
        self.root, self.split = Path(root), split
        if split not in self.splits:
            raise DataError(
                f"{type(self).__name__} has no split '{split}': take {' or '.join(self.splits)}."
            )
        if not self.root.is_dir():
            raise DataError(
                f"There is no folder {self.root}: put the data set there, or name another data "
                "root; `vl-track data list` says what is expected."
            )
        self.names = self.list_names()
        if not self.names:
            raise DataError(
                f"{self.root} holds no sequence of the split '{split}' in the layout of "
                f"{type(self).__name__}: `vl-track data verify` says what is expected."
            )

    @abstractmethod
    def list_names(self) -> list[str]:
        """Return the names of the split's sequences, in the order of the benchmark."""

    @abstractmethod
    def read(self, name: str) -> FileVideo:
        """Read a sequence's annotation and list its pictures.

        Raises:
            DataError: something needed is missing or malformed.
        """

    def unknown_folders(self) -> list[str]:
        """Return folders that belong to no sequence this reader knows."""
        return []

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.names)

    def __getitem__(self, place: int) -> FileVideo:  # type: ignore[override]
        """Read a sequence; the last few are kept."""
        return _cached(self, self.names[place])

    def __hash__(self) -> int:
        """Identity, so that sequences can be kept by set and name."""
        return id(self)


@lru_cache(maxsize=256)
def _cached(videos: VideoSet, name: str) -> FileVideo:
    return videos.read(name)


def read_file(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        DataError: it is missing or unreadable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error


def read_boxes(path: Path) -> NDArray[np.float64]:
    """Read (T, 4) boxes."""
    boxes = parse_rows(read_file(path), 4, str(path))
    if len(boxes) == 0:
        raise DataError(f"{path} is empty: get this file again.")
    return boxes


def read_flags(path: Path) -> NDArray[np.bool_]:
    """Read zeros and ones, a line each or all on one."""
    return parse_flags(read_file(path), str(path))


def read_flags_if_there(path: Path) -> NDArray[np.bool_] | None:
    """Read zeros and ones; ``None`` if the file is missing."""
    return read_flags(path) if path.is_file() else None


def either(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Combine two files of flags; the shorter counts as zeros behind its end."""
    combined = np.zeros(max(len(one), len(other)), dtype=bool)
    combined[: len(one)] |= one
    combined[: len(other)] |= other
    return combined


def read_attributes(path: Path) -> list[float]:
    """Read attribute flags; none if the file is missing."""
    return parse_numbers(read_file(path), str(path)).tolist() if path.is_file() else []


def read_text(path: Path) -> str:
    """Return a file as text; bytes that are no UTF-8 are replaced."""
    return read_file(path).decode("utf-8", errors="replace")


def first_line(path: Path) -> str:
    """Return the first line of a sentence file as the paper uses it (facts 2.4).

    Stops are dropped and letters made small; empty if the file is missing or empty.
    """
    if not path.is_file():
        return ""
    lines = read_text(path).strip().splitlines()
    return lines[0].strip().replace(".", "").lower() if lines else ""


def list_pictures(folder: Path) -> list[Path]:
    """Return a folder's pictures, sorted by name: frame names may be irregular."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def assemble(
    *,
    name: str,
    pictures: Sequence[Path],
    boxes: NDArray[np.float64],
    hidden: NDArray[np.bool_] | None = None,
    absent: NDArray[np.bool_] | None = None,
    sentence: str = "",
    kind: str = "",
    needs_sentence: bool = True,
    attributes: frozenset[str] = frozenset(),
    size: tuple[float, float] | None = None,
    faults: Sequence[str] = (),
) -> FileVideo:
    """Bring pictures, boxes and flags to one length and say where they differ.

    Args:
        name: of the sequence.
        pictures: in order.
        boxes: (T, 4).
        hidden: frames where the object cannot be seen; a frame without a box always counts so.
        absent: the evaluation's flags; ``hidden`` by default.
        sentence: may be empty.
        kind: class name.
        needs_sentence: an empty one is a fault.
        attributes: names.
        size: width, height.
        faults: already found.

    Raises:
        DataError: there are no pictures.
    """
    found = list(faults)
    if not pictures:
        raise DataError(f"{name} has no pictures: get its frames again.")
    count = min(len(pictures), len(boxes))
    if len(pictures) != len(boxes):
        found.append(
            f"{len(pictures)} pictures and {len(boxes)} boxes; the first {count} of both are used"
        )
    seen = np.asarray((boxes[:count, 2:] > 0).all(axis=1))
    hidden = _flags_of(hidden, count, "hidden", found)
    absent = _flags_of(absent, count, "absent", found)
    if needs_sentence and not sentence:
        found.append("the sentence is empty; the video is used without one")
    if hidden is not None:
        seen = seen & ~hidden
    return FileVideo(
        name=name,
        pictures=tuple(pictures[:count]),
        boxes=boxes[:count],
        seen=seen,
        sentence=sentence,
        kind=kind,
        attributes=attributes,
        absent=hidden if absent is None else absent,
        faults=tuple(found),
        size=size,
    )


def _flags_of(
    flags: NDArray[np.bool_] | None, count: int, what: str, faults: list[str]
) -> NDArray[np.bool_] | None:
    """Bring flags to a length, remarking where some are missing."""
    if flags is None or len(flags) >= count:
        return None if flags is None else flags[:count]
    faults.append(f"{len(flags)} {what} flags for {count} frames; the rest count as not")
    return np.concatenate([flags, np.zeros(count - len(flags), bool)])


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly below a folder, sorted; none if it is missing."""
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
