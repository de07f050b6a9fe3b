"""Scanning ``<root>/<domain>/<class>/<image>`` the way torchvision's ImageFolder does."""

import os
from dataclasses import dataclass
from pathlib import Path

from dropout_ft.data.pictures import EXTENSIONS
from holdfast.errors import DataError


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


def scan(root: Path, *, allow_missing_classes: bool = False) -> list[Domain]:
    """List every domain's pictures, in the order that gives DomainBed's very indices.

    Args:
        root: holds ``<domain>/<class>/<image>``.
        allow_missing_classes: accept a domain in which a class is absent or empty.

    Raises:
        DataError: names the domain and class that is missing or empty.
    """
    classes = class_names(root)
    return [
        _scan_domain(root / name, classes, allow_missing=allow_missing_classes)
        for name in domain_names(root)
    ]


def _scan_domain(folder: Path, classes: list[str], *, allow_missing: bool) -> Domain:
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = _images(folder / name)
        if not found and not allow_missing:
            state = "is empty" if (folder / name).is_dir() else "is missing"
            raise DataError(
                f"Class '{name}' {state} in domain '{folder.name}' ({folder / name}): "
                "add pictures, remove the class everywhere, or set "
                "--data.source.init_args.allow_missing_classes true."
            )
        paths.extend(found)
        labels.extend([label] * len(found))
    return Domain(name=folder.name, paths=tuple(paths), labels=tuple(labels))


def _images(folder: Path) -> list[Path]:
    """List a class folder's pictures in torchvision's walk order."""
    found = []
    for place, _, files in sorted(os.walk(folder, followlinks=True)):
        found += [Path(place) / f for f in sorted(files) if Path(f).suffix.lower() in EXTENSIONS]
    return found


def _is_plain_folder(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")
