"""Scanning ``<root>/<domain>/<class>/<image>`` the way torchvision's ImageFolder does."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dropout_ft.data.decoding import EXTENSIONS
from holdfast.errors import DataError

NO_DOMAIN = "__MACOSX"
"""What macOS adds to archives: a folder of resource forks."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """One domain's pictures, in ImageFolder's order.

    Attributes:
        name: the folder's name.
        paths: every picture; sorted by class, then by walk order.
        labels: the class of each picture, an index into the sorted class names.
    """

    name: str
    paths: tuple[Path, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What lies in the class folders and is not read.

    Attributes:
        broken: named like images, but links to nothing, pipes or devices.
        unread: files of other kinds; hidden ones are not counted.
    """

    broken: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)


def subfolders(folder: Path) -> list[str]:
    """Return the names of the sub-folders, sorted; hidden ones are left out."""
    return sorted(entry.name for entry in folder.iterdir() if _is_plain_folder(entry))


def domain_names(root: Path) -> list[str]:
    """Return the domains of a data set.

    Raises:
        DataError: the root is missing, or holds fewer than two domains.
    """
    if not root.is_dir():
        raise DataError(
            f"There is no data at {root}: give the folder that holds "
            "<domain>/<class>/<image> with --data.source."
        )
    names = subfolders(root)
    if len(names) < 2:
        raise DataError(
            f"{root} holds {len(names)} domain folder(s), but leaving one out needs at least two: "
            "arrange the pictures as <domain>/<class>/<image>."
        )
    return names


def class_names(root: Path) -> list[str]:
    """Return the sorted union of all domains' class folders.

    DomainBed takes the classes of the last domain only, so that a domain with a missing class
    silently shifts its labels; here the union decides and :func:`scan` complains.
    """
    names = {name for domain in domain_names(root) for name in subfolders(root / domain)}
    if len(names) < 2:
        raise DataError(
            f"{root} holds {len(names)} class(es), but two are needed: "
            "arrange the pictures as <domain>/<class>/<image>."
        )
    return sorted(names)


def scan(
    root: Path, *, allow_missing_classes: bool = False, leftovers: Leftovers | None = None
) -> list[Domain]:
    """List every domain's pictures, in the order that gives DomainBed's very indices.

    Hidden files (``._x.png`` of macOS) are left out, and a folder that is met again through a link
    is not read twice.

    Args:
        root: holds ``<domain>/<class>/<image>``.
        allow_missing_classes: accept a domain in which a class is absent or empty.
        leftovers: filled with what is not read; without it, what is broken is an error.

    Raises:
        DataError: names the domain and class that is missing or empty, or what is broken.
    """
    classes = class_names(root)
    found = Leftovers() if leftovers is None else leftovers
    domains = [
        _scan_domain(root / name, classes, found, allow_missing=allow_missing_classes)
        for name in domain_names(root)
    ]
    if leftovers is None and found.broken:
        raise DataError(f"{found.broken[0]} is a link to nothing, a pipe or a device: remove it.")
    return domains


def _scan_domain(
    folder: Path, classes: list[str], leftovers: Leftovers, *, allow_missing: bool
) -> Domain:
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = _images(folder / name, leftovers)
        if not found and not allow_missing:
            state = "is empty" if (folder / name).is_dir() else "is missing"
            raise DataError(
                f"Class '{name}' {state} in domain '{folder.name}' ({folder / name}): "
                "add pictures, remove the class everywhere, or set the source's "
                "allow_missing_classes to true."
            )
        paths.extend(found)
        labels.extend([label] * len(found))
    return Domain(name=folder.name, paths=tuple(paths), labels=tuple(labels))


def _images(folder: Path, leftovers: Leftovers) -> list[Path]:
    """List a class folder's pictures in torchvision's walk order: by folder, then by name."""
    by_folder: dict[str, list[str]] = {}
    waiting, seen = [str(folder)], set[tuple[int, int]]()
    while waiting:
        directory = waiting.pop()
        try:
            found = Path(directory).stat()
            entries = sorted(os.scandir(directory), key=lambda one: one.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"The folder {directory} cannot be read ({error}).") from error
        if (found.st_dev, found.st_ino) in seen:
            continue  # a link to this folder or to one above it
        seen.add((found.st_dev, found.st_ino))
        by_folder[directory] = _files(entries, leftovers)
        waiting += [one.path for one in reversed(entries) if _is(one.is_dir)]
    return [
        Path(directory) / name for directory in sorted(by_folder) for name in by_folder[directory]
    ]


def _files(entries: list["os.DirEntry[str]"], leftovers: Leftovers) -> list[str]:
    """Return the names of the images among a folder's entries."""
    names = []
    for entry in entries:
        is_image = entry.name[entry.name.rfind(".") :].lower() in EXTENSIONS
        if entry.name.startswith(".") or _is(entry.is_dir):
            continue
        if not _is(entry.is_file):
            leftovers.broken.extend([Path(entry.path)] if is_image else [])
        elif is_image:
            names.append(entry.name)
        else:
            leftovers.unread.append(Path(entry.path))
    return names


def _is(kind: Callable[[], bool]) -> bool:
    """Ask an entry of a folder what it is; a link that leads in a circle is nothing."""
    try:
        return kind()
    except OSError:
        return False


def _is_plain_folder(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.startswith(".") and entry.name != NO_DOMAIN
