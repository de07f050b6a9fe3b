"""Recorded motion: tracks and flags of absence, read from annotations in LaSOT's layouts.

LaSOT's own layout is ``<sequence>/groundtruth.txt`` with ``full_occlusion.txt`` and
``out_of_view.txt`` beside it. Its evaluation toolkit has ``annos/<sequence>.txt`` and
``annos/absent/<sequence>.txt``, or ``groundtruth/<sequence>.txt`` and ``absent/<sequence>.txt``
where the two lie side by side; its flags are of either kind of absence.
"""

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from holdfast.archives import DAMAGED_ARCHIVE
from holdfast.errors import DataError
from vl_track.data.flags import Flags, runs_of
from vl_track.data.numbers import parse_flags, parse_rows

MIN_FRAMES = 60
MOST_BYTES = 16_000_000
"""An annotation is never larger; an archive may claim anything."""
OCCLUDED, OUTSIDE = "full_occlusion.txt", "out_of_view.txt"

Boxes = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """One recorded track and where its object is absent.

    Attributes:
        name: of the sequence, unique in its source.
        boxes: (T, 4) x, y, width, height in pixels as recorded; a frame without a box lies between
            those before and after it.
        outside: (T,), whether the object is out of view.
        covered: (T,), whether something covers the whole of it. No frame is both.
    """

    name: str
    boxes: Boxes = field(repr=False)
    outside: Flags = field(repr=False)
    covered: Flags = field(repr=False)

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def gone(self) -> Flags:
        """Return (T,), whether the object is not in view."""
        return np.asarray(self.outside | self.covered)


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
    texts = _read_all(Path(source))
    boxes = [_boxes(texts, name, source) for name in texts if _is_groundtruth(name)]
    tracks = [track for one in boxes if (track := _normalise(one)) is not None]
    if not tracks:
        raise DataError(f"{source} holds no ground truth with {MIN_FRAMES} boxes or more.")
    return tracks


def read_recordings(source: str | Path) -> list[Recording]:
    """Read every track of a folder or tar file with its flags of absence.

    The toolkit's flags do not tell the two kinds of absence apart. There an absence during which
    most frames have a box counts as covered, and another one as out of view.

    Args:
        source: folder, or ``.tar`` in any compression, in one of the layouts above.

    Returns:
        The recordings of 60 frames or more, sorted by name.

    Raises:
        DataError: nothing to read there, a track without flags or with another number of them, or
            an object that is never seen.
    """
    texts = _read_all(Path(source))
    found: dict[str, Recording] = {}
    for name in filter(_is_groundtruth, texts):
        boxes = _boxes(texts, name, source)
        if len(boxes) >= MIN_FRAMES:
            one = _recording(name, boxes, texts, source)
            if one.name in found:
                raise DataError(f"{source} holds two tracks named {one.name}: give one of them.")
            found[one.name] = one
    if not found:
        raise DataError(f"{source} holds no ground truth with {MIN_FRAMES} boxes or more.")
    return [found[name] for name in sorted(found)]


def trajectory_files(source: Path) -> list[Path]:
    """Return the files that tracks are read from: of a folder, or the tar file itself.

    Raises:
        DataError: there is neither.
    """
    files = annotation_files(source)
    return [path for path in files if path == source or _is_groundtruth(path.as_posix())]


def annotation_files(source: Path) -> list[Path]:
    """Return the files that tracks and flags are read from: of a folder, or the tar file itself.

    Raises:
        DataError: there is neither.
    """
    if source.is_dir():
        return sorted(path for path in source.rglob("*.txt") if _wanted(path.as_posix()))
    if source.is_file():
        return [source]
    raise DataError(f"There are no trajectories at {source}: give a folder or a tar file.")


def _is_groundtruth(name: str) -> bool:
    """LaSOT's own layout, or its evaluation toolkit's."""
    path = PurePosixPath(name)
    return path.name == "groundtruth.txt" or (
        path.suffix == ".txt" and path.parent.name in {"groundtruth", "annos"}
    )


def _is_flags(name: str) -> bool:
    path = PurePosixPath(name)
    return path.name in {OCCLUDED, OUTSIDE} or path.parent.name == "absent"


def _read_all(source: Path) -> dict[str, bytes]:
    """Return the content of every annotation, by its path in the source."""
    source = source.absolute()  # "." has no name
    files = annotation_files(source)
    if source.is_dir():
        return {path.relative_to(source.parent).as_posix(): path.read_bytes() for path in files}
    return dict(_members(source))


def _wanted(name: str) -> bool:
    return _is_groundtruth(name) or _is_flags(name)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and _wanted(member.name):
                    file = archive.extractfile(member)
                    if file is None or member.size > MOST_BYTES:
                        raise DataError(f"{member.name} in {path} is too large for an annotation.")
                    yield PurePosixPath(member.name).as_posix(), file.read()
    except DAMAGED_ARCHIVE as error:
        raise DataError(f"{path} is not a readable tar file: {error}.") from error


def _boxes(texts: Mapping[str, bytes], name: str, source: str | Path) -> Boxes:
    return parse_rows(texts[name], 4, f"{name} in {source}")


def _recording(
    name: str, boxes: Boxes, texts: Mapping[str, bytes], source: str | Path
) -> Recording:
    path = PurePosixPath(name)
    own = path.name == "groundtruth.txt"
    sequence = path.parent.name if own else path.stem
    boxed = np.asarray((boxes[:, 2:] > 0).all(axis=1) & np.isfinite(boxes).all(axis=1))
    if own:
        beside = (path.with_name(OUTSIDE), path.with_name(OCCLUDED))
        outside, covered = (_flags(texts, one, len(boxes), source) for one in beside)
    else:
        folder = path.parent if path.parent.name == "annos" else path.parent.parent
        outside = _flags(texts, folder / "absent" / path.name, len(boxes), source)
        covered = _mostly_boxed(outside, boxed)
        outside = outside & ~covered
    covered = covered & ~outside
    if not (boxed & ~outside & ~covered).any():
        raise DataError(f"{name} in {source} shows its object in no frame: leave it out.")
    placed = _between(boxes, boxed & ~outside)
    return Recording(name=sequence, boxes=placed, outside=outside, covered=covered)


def _flags(
    texts: Mapping[str, bytes], place: PurePosixPath, count: int, source: str | Path
) -> Flags:
    """Return the flags of a file.

    Raises:
        DataError: there is no such file, or it has another number of flags than boxes.
    """
    text = texts.get(place.as_posix())
    if text is None:
        raise DataError(
            f"{source} has no {place}, so it is not known where that object is absent: get LaSOT's "
            "annotations with their flags."
        )
    flags = parse_flags(text, f"{place} in {source}")
    if len(flags) != count:
        raise DataError(
            f"{place} in {source} has {len(flags)} flags for {count} boxes: get it again."
        )
    return flags


def _mostly_boxed(gone: Flags, boxed: Flags) -> Flags:
    covered = np.zeros_like(gone)
    for start, end in runs_of(gone):
        covered[start:end] = boxed[start:end].mean() > 0.5
    return covered


def _between(boxes: Boxes, known: Flags) -> Boxes:
    """Draw straight lines between the known boxes; the first and the last go on."""
    times, given = np.arange(len(boxes)), np.flatnonzero(known)
    return np.stack([np.interp(times, given, boxes[given, axis]) for axis in range(4)], axis=1)


def _normalise(boxes: Boxes) -> Boxes | None:
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
