"""What the data of a training run is: names, lengths and annotations, taken from the indexes."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from holdfast.runs.fingerprint import Fingerprint, Listed, fingerprint_listed
from vl_track.data.columns import TextColumn
from vl_track.data.sets.base import FileSet


def fingerprint_sets(sets: Mapping[str, FileSet]) -> Fingerprint:
    """Return the identity of data sets, by name and split; equal for the same sets elsewhere.

    It covers names, lengths, boxes, flags, sentences and the names of the frames, which the index
    of each set holds. The frames' pixels are not read.
    """
    return fingerprint_listed({name: _listed(one) for name, one in sets.items()}, "sequences")


def _listed(videos: FileSet) -> Listed:
    digest, size = hashlib.sha256(), 0
    for path in sorted(path for path in videos.columns_folder.iterdir() if path.is_file()):
        digest.update(path.name.encode() + _hash(path))
        size += path.stat().st_size
    return Listed(
        count=len(videos.names), names=_names(videos.names), content=digest.hexdigest(), bytes=size
    )


def _names(names: Sequence[str]) -> str:
    if isinstance(names, TextColumn):  # millions, which are not decoded for this
        ends = hashlib.sha256(names.ends.tobytes()).digest()
        return hashlib.sha256(ends + names.content.tobytes()).hexdigest()
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


def _hash(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
