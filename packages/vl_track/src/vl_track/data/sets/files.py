"""Reading the files of a sequence."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import DataError
from vl_track.data.archives import SUFFIXES, open_archive
from vl_track.data.file_video import FileVideo
from vl_track.data.numbers import parse_flags, parse_numbers, parse_rows
from vl_track.data.watching import look_at

IMAGES = {".jpg", ".jpeg", ".png", ".bmp"}


def is_file(path: Path) -> bool:
    """Tell whether there is such a file."""
    return look_at(path).is_file()


def read_file(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        DataError: it is missing or unreadable.
    """
    try:
        return look_at(path).read_bytes()
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
    return read_flags(path) if is_file(path) else None


def either(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Combine two files of flags; the shorter counts as zeros behind its end."""
    combined = np.zeros(max(len(one), len(other)), dtype=bool)
    combined[: len(one)] |= one
    combined[: len(other)] |= other
    return combined


def read_attributes(path: Path) -> list[float]:
    """Read attribute flags; none if the file is missing."""
    return parse_numbers(read_file(path), str(path)).tolist() if is_file(path) else []


def read_text(path: Path) -> str:
    """Return a file as text; bytes that are no UTF-8 are replaced."""
    return read_file(path).decode("utf-8", errors="replace")


def first_line(path: Path) -> str:
    """Return the first line of a sentence file as the paper uses it (All-in-One, section 4.1).

    Full stops are dropped and letters made small; empty if the file is missing or empty.
    """
    if not is_file(path):
        return ""
    lines = read_text(path).strip().splitlines()
    return lines[0].strip().replace(".", "").lower() if lines else ""


def list_images(folder: Path) -> list[Path]:
    """Return a folder's images, sorted by name: frame names may be irregular.

    Instead of the folder there may be an archive ``<folder>.zip`` or ``<folder>.tar``; the paths
    then lead through it. Hidden files (``._1.jpg`` of macOS) are left out.

    Raises:
        DataError: the archive cannot be read.
    """
    if look_at(folder).is_dir():
        names = os.listdir(folder)  # noqa: PTH208  (a Path for every name takes ten times as long)
        return [folder / name for name in sorted(names) if _is_image(name)]
    for suffix in SUFFIXES:
        archive = folder.with_name(folder.name + suffix)
        if is_file(archive):
            return [archive / name for name in sorted(open_archive(archive).members)
                    if _is_image(name)]  # fmt: skip
    return []


def _is_image(name: str) -> bool:
    base = name.rpartition("/")[2]
    return not base.startswith(".") and base[base.rfind(".") :].lower() in IMAGES


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly below a folder, sorted; none if it is missing."""
    if not look_at(folder).is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir())


def assemble(
    *,
    name: str,
    images: Sequence[Path],
    boxes: NDArray[np.float64],
    hidden: NDArray[np.bool_] | None = None,
    absent: NDArray[np.bool_] | None = None,
    sentence: str = "",
    class_name: str = "",
    needs_sentence: bool = True,
    attributes: frozenset[str] = frozenset(),
    size: tuple[float, float] | None = None,
    faults: Sequence[str] = (),
) -> FileVideo:
    """Bring images, boxes and flags to one length and say where they differ.

    Args:
        name: of the sequence.
        images: in order.
        boxes: (T, 4).
        hidden: frames where the object cannot be seen; a frame without a box always counts so.
        absent: the evaluation's flags; ``hidden`` by default.
        sentence: may be empty.
        class_name: of the object.
        needs_sentence: an empty one is a fault.
        attributes: names.
        size: width, height.
        faults: already found.

    Raises:
        DataError: there are no images.
    """
    found = list(faults)
    if not images:
        raise DataError(f"{name} has no images: get its frames again.")
    count = min(len(images), len(boxes))
    if len(images) != len(boxes):
        found.append(
            f"{len(images)} images and {len(boxes)} boxes; the first {count} of both are used"
        )
    visibility = np.asarray((boxes[:count, 2:] > 0).all(axis=1))
    hidden = _flags_of(hidden, count, "hidden", found)
    absent = _flags_of(absent, count, "absent", found)
    if needs_sentence and not sentence:
        found.append("the sentence is empty; the video is used without one")
    if hidden is not None:
        visibility = visibility & ~hidden
    return FileVideo(
        name=name,
        images=tuple(images[:count]),
        boxes=boxes[:count],
        visibility=visibility,
        sentence=sentence,
        class_name=class_name,
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
