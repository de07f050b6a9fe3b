"""Scanning ``<root>/<domain>/<class>/<image>`` the way torchvision's ImageFolder does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data import folder_index
from dropout_ft.data.image_paths import ImagePaths
from dropout_ft.data.listing import Leftovers, Listing, subfolders, walk
from holdfast.errors import DataError

__all__ = ["Domain", "Leftovers", "class_names", "domain_names", "scan", "subfolders"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Domain:
    """One domain's pictures, in ImageFolder's order.

    Attributes:
        name: the folder's name.
        paths: every picture; sorted by class, then by walk order.
        labels: the class of each picture, an index into the sorted class names.
        sizes: bytes of each file, where they are known.
    """

    name: str
    paths: Sequence[Path]
    labels: Sequence[int] | NDArray[np.int64]
    sizes: NDArray[np.int64] | None = None


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
    if leftovers is not None:
        listing = walk(root, domain_names(root), class_names(root), leftovers)
    else:
        listing = _listed(root)
    if not allow_missing_classes:
        _check_classes(listing, root)
    return _domains(listing, root)


def _listed(root: Path) -> Listing:
    """Return what the index of a folder says, or list the folder and keep that.

    Raises:
        DataError: something in it is named like an image and is none.
    """
    domain_names(root)  # says what is wrong with a folder that is none
    listing = folder_index.load(root)
    if listing is not None:
        return listing
    begun, found = folder_index.now_ns(), Leftovers()
    listing = walk(root, domain_names(root), class_names(root), found)
    if found.broken:
        raise DataError(f"{found.broken[0]} is a link to nothing, a pipe or a device: remove it.")
    folder_index.keep(listing, root, begun)
    return listing


def _check_classes(listing: Listing, root: Path) -> None:
    """Refuse a domain that lacks a class.

    Raises:
        DataError: names both.
    """
    shape = (len(listing.domains), len(listing.classes))
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, (listing.domain, listing.label), 1)
    for position, label in np.argwhere(counts == 0)[:1]:
        name, domain = listing.classes[label], listing.domains[position]
        folder = root / domain / name
        state = "is empty" if folder.is_dir() else "is missing"
        raise DataError(
            f"Class '{name}' {state} in domain '{domain}' ({folder}): "
            "add pictures, remove the class everywhere, or set the source's "
            "allow_missing_classes to true."
        )


def _domains(listing: Listing, root: Path) -> list[Domain]:
    ends = listing.ends
    bounds = np.stack([ends - np.diff(ends, prepend=0), ends], axis=1)
    paths = ImagePaths(root, listing.folders, listing.folder, listing.names, bounds)
    limits = np.searchsorted(listing.domain, np.arange(len(listing.domains) + 1))
    return [
        Domain(
            name=name,
            paths=paths[start:end],
            labels=listing.label[start:end].astype(np.int64),
            sizes=listing.sizes[start:end],
        )
        for name, start, end in zip(listing.domains, limits[:-1], limits[1:], strict=True)
    ]
