"""What is wrong with a data set on disk, and how to get it right."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from holdfast.errors import DataError, ImageError
from vl_track.data.pictures import read_picture
from vl_track.data.sets.base import VideoSet
from vl_track.data.sets.known import KnownSet


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        where: the sequence or folder; empty for the split as a whole.
        what: a sentence.
        blocking: whether training or testing would stop at it.
    """

    where: str
    what: str
    blocking: bool


def verify_split(
    videos: VideoSet, known: KnownSet, *, deep: bool, after: Callable[[], None] = lambda: None
) -> list[Problem]:
    """Look at every sequence of a split.

    Args:
        videos: the split.
        known: what it should be.
        deep: decode every picture; otherwise only their files are looked for.
        after: called after each sequence, for a progress bar.
    """
    problems = list(_counts(videos, known))

    def check(name: str) -> list[Problem]:
        found = list(check_sequence(videos, name, deep=deep))
        after()
        return found

    with ThreadPoolExecutor(max_workers=8) as pool:
        for found in pool.map(check, videos.names):
            problems += found
    problems += [
        Problem(where=folder, what="belongs to no sequence: move it out", blocking=False)
        for folder in videos.unknown_folders()
    ]
    return problems


def _counts(videos: VideoSet, known: KnownSet) -> Iterator[Problem]:
    expected = known.counts.get(videos.split, 0)
    if expected and len(videos) != expected:
        what = f"{len(videos)} sequences where {expected} are published"
        yield Problem(where="", what=f"{what}: get the missing ones", blocking=False)


def check_sequence(videos: VideoSet, name: str, *, deep: bool) -> Iterator[Problem]:
    """Look at one sequence: its annotation, its remarks, its pictures."""
    try:
        video = videos.read(name)
    except DataError as error:
        yield Problem(where=name, what=str(error), blocking=True)
        return
    for fault in video.faults:
        yield Problem(where=name, what=fault, blocking=False)
    if not video.seen.any():
        yield Problem(where=name, what="the object is never visible", blocking=True)
    missing = [path for path in video.pictures if not path.is_file()]
    if missing:
        what = f"{len(missing)} pictures are missing, the first is {missing[0].name}: get them"
        yield Problem(where=name, what=what, blocking=True)
    empty = [path for path in video.pictures if path.is_file() and path.stat().st_size == 0]
    if empty:
        what = f"{len(empty)} pictures are empty files, the first is {empty[0].name}: get them"
        yield Problem(where=name, what=what, blocking=True)
    if not deep:
        return
    for path in video.pictures:
        if path.is_file() and path.stat().st_size:
            try:
                read_picture(path)
            except ImageError as error:
                yield Problem(where=name, what=str(error), blocking=True)
