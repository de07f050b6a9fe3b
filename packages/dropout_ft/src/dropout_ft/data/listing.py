"""What lies below ``<root>/<domain>/<class>``: listed once, kept as arrays."""

import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.decoding import EXTENSIONS
from dropout_ft.data.image_paths import Indices
from holdfast.errors import DataError

NO_DOMAIN = "__MACOSX"
"""What macOS adds to archives: a folder of resource forks."""


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What lies in the class folders and is not read.

    Attributes:
        broken: named like images, but links to nothing, pipes or devices.
        unread: files of other kinds; hidden ones are not counted.
    """

    broken: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """All images of a folder of domains, in torchvision's walk order, domain by domain.

    Attributes:
        domains: names, sorted.
        classes: sorted union of all domains' class folders.
        folders: every folder that was read, relative to the root; the root itself is empty.
        stamps: (folders, 2) int64, times in ns of each folder's last change (mtime and ctime).
        domain: (N,) int32, position of each image's domain.
        label: (N,) int32, position of its class.
        folder: (N,) int32, position of its folder.
        names: all file names, one after the other.
        ends: (N,) int64, where each image's name ends in ``names``.
        sizes: (N,) int64, bytes of each file.
    """

    domains: list[str]
    classes: list[str]
    folders: list[bytes]
    stamps: Indices
    domain: NDArray[np.int32]
    label: NDArray[np.int32]
    folder: NDArray[np.int32]
    names: bytes
    ends: Indices
    sizes: Indices


class Collector:
    """Gathers images, folder by folder, into the arrays of a :class:`Listing`."""

    def __init__(self, domains: list[str], classes: list[str]) -> None:
        self.domains, self.classes = domains, classes
        self.folders: list[bytes] = []
        self.stamps: list[tuple[int, int]] = []
        self.names = bytearray()
        self.columns = {name: array("i") for name in ("domain", "label", "folder")}
        self.ends, self.sizes = array("q"), array("q")

    def visit(self, folder: str, stamp: tuple[int, int] = (0, 0)) -> int:
        """Note that a folder was read; returns its number."""
        self.folders.append(os.fsencode(folder))
        self.stamps.append(stamp)
        return len(self.folders) - 1

    def add(self, place: tuple[int, int, int], files: Iterable[tuple[str, int]]) -> None:
        """Add a folder's images.

        Args:
            place: position of their domain, class and folder.
            files: name and size of each, in order.
        """
        count = len(self.ends)
        for name, size in files:
            self.names += os.fsencode(name)
            self.ends.append(len(self.names))
            self.sizes.append(size)
        for column, value in zip(self.columns.values(), place, strict=True):
            column.extend(array("i", [value]) * (len(self.ends) - count))

    def listing(self) -> Listing:
        """Return what was gathered."""
        arrays = {name: np.array(column, np.int32) for name, column in self.columns.items()}
        return Listing(
            domains=self.domains,
            classes=self.classes,
            folders=self.folders,
            stamps=np.array(self.stamps, np.int64).reshape(-1, 2),
            names=bytes(self.names),
            ends=np.array(self.ends, np.int64),
            sizes=np.array(self.sizes, np.int64),
            **arrays,
        )


def subfolders(folder: Path) -> list[str]:
    """Return the names of the sub-folders, sorted; hidden ones are left out."""
    return sorted(
        entry.name
        for entry in _entries(str(folder))
        if _is(entry.is_dir) and not entry.name.startswith(".") and entry.name != NO_DOMAIN
    )


def walk(root: Path, domains: list[str], classes: list[str], leftovers: Leftovers) -> Listing:
    """List every image below a local folder, asking the disk once for each entry.

    Args:
        root: of the domains.
        domains: names of the folders to read.
        classes: names of the folders in them, in label order.
        leftovers: filled with what is not read.
    """
    found = Collector(domains, classes)
    found.visit("", stamp_of(root))
    for position, domain in enumerate(domains):
        found.visit(domain, stamp_of(root / domain))
        for label, name in enumerate(classes):
            for folder, stamp, files in _class_folders(root, f"{domain}/{name}", leftovers):
                found.add((position, label, found.visit(folder, stamp)), files)
    return found.listing()


def stamp_of(folder: str | Path) -> tuple[int, int]:
    """Return what changes when an entry of a folder does; (-1, -1) for a folder that is not there.

    The second time, ctime, changes also where a program sets the first one back.
    """
    try:
        found = os.stat(folder)  # noqa: PTH116  (called for thousands of folders at each start)
    except OSError:
        return -1, -1
    return found.st_mtime_ns, found.st_ctime_ns


def _class_folders(
    root: Path, folder: str, leftovers: Leftovers
) -> Iterator[tuple[str, tuple[int, int], list[tuple[str, int]]]]:
    """Yield a class folder and those below it in torchvision's walk order: sorted by name."""
    by_folder: dict[str, tuple[tuple[int, int], list[tuple[str, int]]]] = {}
    waiting, seen = [folder], set[tuple[int, int]]()
    while waiting:
        relative = waiting.pop()
        directory = f"{root}/{relative}"
        try:
            status = os.stat(directory)  # noqa: PTH116
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"The folder {directory} cannot be read ({error}).") from error
        if (status.st_dev, status.st_ino) in seen:
            continue  # a link to this folder or to one above it
        seen.add((status.st_dev, status.st_ino))
        # The time is taken before the entries: what changes while they are read makes it old.
        entries = sorted(_entries(directory), key=lambda one: one.name)
        stamp = (status.st_mtime_ns, status.st_ctime_ns)
        by_folder[relative] = (stamp, _files(entries, leftovers))
        waiting += [f"{relative}/{one.name}" for one in reversed(entries) if _is(one.is_dir)]
    for relative in sorted(by_folder):
        yield relative, *by_folder[relative]


def _entries(directory: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(f"The folder {directory} cannot be read ({error}).") from error


def _files(entries: list["os.DirEntry[str]"], leftovers: Leftovers) -> list[tuple[str, int]]:
    """Return name and size of the images among a folder's entries."""
    found = []
    for entry in entries:
        if entry.name.startswith(".") or _is(entry.is_dir):
            continue
        if not is_image(entry.name):
            (leftovers.unread if _is(entry.is_file) else []).append(Path(entry.path))
        elif _is(entry.is_file):
            found.append((entry.name, entry.stat().st_size))
        else:
            leftovers.broken.append(Path(entry.path))
    return found


def is_image(name: str) -> bool:
    """Tell whether a file is named like an image that is read."""
    return name[name.rfind(".") :].lower() in EXTENSIONS


def _is(kind: Callable[[], bool]) -> bool:
    """Ask an entry of a folder what it is; a link that leads in a circle is nothing."""
    try:
        return kind()
    except OSError:
        return False
