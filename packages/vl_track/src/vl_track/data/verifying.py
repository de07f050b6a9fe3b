"""What is wrong with a data set on disk, and how to get it right."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import DataError, ImageError
from vl_track.data.archives import size_of
from vl_track.data.images import read_image
from vl_track.data.sets.base import FileSet
from vl_track.data.sets.images import ImageSet
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
    videos: FileSet, known: KnownSet, *, deep: bool, after: Callable[[], None] = lambda: None
) -> list[Problem]:
    """Look at every sequence of a split, and at every image of a set of images.

    Args:
        videos: the split.
        known: what it should be.
        deep: decode every image; otherwise only their files are looked for.
        after: called after each sequence, for a progress bar.
    """
    problems = list(_counts(videos, known))
    problems += [Problem(where="", what=fault, blocking=False) for fault in videos.faults()]
    if isinstance(videos, ImageSet):
        problems += check_images("the images", list(videos.image_paths()), deep=deep)
        return problems

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


def _counts(videos: FileSet, known: KnownSet) -> Iterator[Problem]:
    expected = known.counts.get(videos.split, 0)
    if expected and len(videos) != expected:
        what = f"{len(videos)} sequences where {expected} are published"
        yield Problem(where="", what=f"{what}: get the missing ones", blocking=False)


def check_sequence(videos: FileSet, name: str, *, deep: bool) -> Iterator[Problem]:
    """Look at one sequence: its annotation, its remarks, its images."""
    try:
        video = videos.read(name)
    except DataError as error:
        yield Problem(where=name, what=str(error), blocking=True)
        return
    for fault in video.faults:
        yield Problem(where=name, what=fault, blocking=False)
    if not video.visibility.any():
        yield Problem(where=name, what="the object is never visible", blocking=True)
    yield from check_images(name, video.images, deep=deep)


def check_images(where: str, paths: Sequence[Path], *, deep: bool) -> Iterator[Problem]:
    """Look at image files, on disk or inside archives."""
    sizes = [size_of(path) for path in paths]
    for size, what in ((-1, "are missing"), (0, "are empty files")):
        found = [path for path, one in zip(paths, sizes, strict=True) if one == size]
        if found:
            text = f"{len(found)} images {what}, the first is {found[0].name}: get them"
            yield Problem(where=where, what=text, blocking=True)
    if not deep:
        return
    for path, size in zip(paths, sizes, strict=True):
        if size > 0:
            try:
                read_image(path)
            except ImageError as error:
                yield Problem(where=where, what=str(error), blocking=True)
