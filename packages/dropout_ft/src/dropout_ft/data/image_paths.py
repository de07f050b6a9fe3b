"""Paths of very many images in little memory: folders once, names in one buffer."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class ImagePaths(Sequence[Path]):
    """A sequence of paths that makes each path when it is asked for.

    Half a million ``Path`` objects take 300 MB and seconds to make, and every loader worker copies
    them page by page as it counts references; arrays take 20 bytes an image and are shared.

    Args:
        root: of all of them.
        folders: relative to the root, as :func:`os.fsencode` gives them.
        folder: (N,) int32, each path's folder.
        names: all file names, one after the other.
        bounds: (N, 2) int64, start and end of each path's name.
    """

    def __init__(
        self,
        root: Path,
        folders: Sequence[bytes],
        folder: NDArray[np.int32],
        names: bytes,
        bounds: Indices,
    ) -> None:
        self.root, self.folders, self.names = root, folders, names
        self.folder, self.bounds = folder, bounds

    def __len__(self) -> int:
        return len(self.folder)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> "ImagePaths": ...
    def __getitem__(self, index: int | slice) -> "Path | ImagePaths":
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return self.root / self.name(int(index))

    def __iter__(self) -> Iterator[Path]:
        return (self.root / name for name in self.relative())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ImagePaths):
            return self.root == other.root and list(self.relative()) == list(other.relative())
        if isinstance(other, Sequence):
            return len(self) == len(other) and all(map(Path.__eq__, self, other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as for a list

    def name(self, index: int) -> str:
        """Return a path relative to the root, with slashes."""
        start, end = self.bounds[index]
        folder = self.folders[self.folder[index]]
        return os.fsdecode(b"/".join((folder, self.names[start:end])))

    def relative(self) -> Iterator[str]:
        """Yield every path relative to the root, with slashes."""
        folders = [os.fsdecode(folder) + "/" for folder in self.folders]
        starts, ends = self.bounds.T.tolist()
        places = zip(self.folder.tolist(), starts, ends, strict=True)
        if self.names.isascii():
            text = self.names.decode("ascii")
            return (folders[number] + text[start:end] for number, start, end in places)
        names, decode = self.names, os.fsdecode
        return (folders[number] + decode(names[start:end]) for number, start, end in places)

    def take(self, rows: Indices) -> "ImagePaths":
        """Return the paths of some rows."""
        return ImagePaths(self.root, self.folders, self.folder[rows], self.names, self.bounds[rows])


def paths_digest(paths: Sequence[Path]) -> bytes:
    """Return what tells these paths, in this order, from any others."""
    if isinstance(paths, ImagePaths):
        root = os.fsencode(paths.root.absolute())
        lines = (root + b"/" + os.fsencode(name) for name in paths.relative())
    else:
        lines = (os.fsencode(path.absolute()) for path in paths)
    return hashlib.sha256(b"\0".join(lines)).digest()


def joined(parts: Sequence[Sequence[Path]]) -> Sequence[Path]:
    """Return several sequences one after the other; those of one listing stay arrays."""
    listed = [part for part in parts if isinstance(part, ImagePaths)]
    if len(listed) == len(parts) and len({(id(one.names), one.root) for one in listed}) == 1:
        return ImagePaths(
            listed[0].root,
            listed[0].folders,
            np.concatenate([one.folder for one in listed]),
            listed[0].names,
            np.concatenate([one.bounds for one in listed]),
        )
    return tuple(path for part in parts for path in part)


def taken(paths: Sequence[Path], rows: Indices) -> Sequence[Path]:
    """Return the paths of some rows."""
    if isinstance(paths, ImagePaths):
        return paths.take(rows)
    return tuple(paths[row] for row in rows)
