"""The index of a large folder of domains: what was listed is kept until a folder changes.

A folder's times change when an entry is added, removed or renamed in it, so an index is valid
while the times of all its folders are those that were listed. They do not change when a file is
written over in place. The sizes of 1,000 files, evenly spread, are therefore looked at each time:
a set that was written anew in place is noticed, a single file is not. ``data.content_hash`` reads
every byte.
"""

import os
import sys
import time
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dropout_ft.data.image_paths import ImagePaths
from dropout_ft.data.listing import Listing, stamp_of
from holdfast.atomic import atomic_path
from holdfast.data.roots import cache_folder
from holdfast.errors import DiskError

VERSION = 1
LARGE = 20_000
"""Fewer images than this are listed anew at each start: that takes 0.1 s."""
SETTLED_NS = 2_000_000_000
"""A folder that changed so shortly before it was listed may change again within its time stamp."""
LOOKED_AT = 1_000
_TEXTS = ("domains", "classes", "folders")
_SIZED = ("domain", "label", "folder", "ends", "sizes")
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, MemoryError)


def index_path(root: Path) -> Path:
    """Return the file that a folder's index is kept in."""
    digest = sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return cache_folder() / "folders" / f"{digest}.npz"


def load(root: Path) -> Listing | None:
    """Return what the index of a folder lists; None where there is none or it is not valid.

    A damaged index is said on stderr and not used.
    """
    path = index_path(root)
    if not path.is_file():
        return None
    try:
        found = _read(path, root)
    except _DAMAGE as error:
        sys.stderr.write(f"The index {path} is damaged ({error}): it is made anew.\n")
        return None
    return found if found is not None and _is_valid(found, root) else None


def keep(listing: Listing, root: Path, begun_ns: int) -> None:
    """Write the index of a folder if it is large and has settled.

    An index only saves time: where it cannot be written, stderr says so and nothing else happens.

    Args:
        listing: what lies in it.
        root: the folder.
        begun_ns: when listing began.
    """
    if len(listing.ends) < LARGE or int(listing.stamps.max()) > begun_ns - SETTLED_NS:
        return
    path = index_path(root)
    arrays = {name: getattr(listing, name) for name in (*_SIZED, "stamps")}
    arrays |= {name: _pack(getattr(listing, name)) for name in _TEXTS}
    arrays["names"] = np.frombuffer(listing.names, np.uint8)
    arrays |= {"version": np.array(VERSION), "root": _pack([os.fsencode(root.resolve())])}
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
    except DiskError as error:
        sys.stderr.write(f"No index of {root} is kept, so each start lists it: {error}\n")
        return
    sys.stderr.write(f"indexed {len(listing.ends)} images of {root} in {path}\n")


def now_ns() -> int:
    """Return the time that folders' times are compared with."""
    return time.time_ns()


def _read(path: Path, root: Path) -> Listing | None:
    """Read an index; None if it is another version's or another folder's.

    Raises:
        ValueError: it contradicts itself.
    """
    with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        if int(file["version"]) != VERSION:
            return None
        if _unpack(file["root"]) != [os.fsencode(root.resolve())]:
            return None
        texts = {name: _unpack(file[name]) for name in _TEXTS}
        listing = Listing(
            domains=list(map(os.fsdecode, texts["domains"])),
            classes=list(map(os.fsdecode, texts["classes"])),
            folders=texts["folders"],
            stamps=file["stamps"],
            names=file["names"].tobytes(),
            **{name: file[name] for name in _SIZED},
        )
    _check(listing)
    return listing


def _check(listing: Listing) -> None:
    """Refuse an index whose parts do not fit each other.

    Raises:
        ValueError: says what is wrong.
    """
    count = len(listing.ends)
    if any(getattr(listing, name).shape != (count,) for name in _SIZED):
        raise ValueError("its columns have different lengths")
    if listing.stamps.shape != (len(listing.folders), 2):
        raise ValueError("its folders have no times")
    for name, most in (
        ("domain", len(listing.domains)),
        ("label", len(listing.classes)),
        ("folder", len(listing.folders)),
    ):
        column = getattr(listing, name)
        if count and not 0 <= int(column.min()) <= int(column.max()) < most:
            raise ValueError(f"a {name} is out of range")
    steps = np.diff(listing.ends, prepend=0)
    if count and (int(steps.min()) < 1 or int(listing.ends[-1]) != len(listing.names)):
        raise ValueError("its names are cut")
    if np.any(np.diff(listing.domain) < 0):
        raise ValueError("its domains are not in order")


def _is_valid(listing: Listing, root: Path) -> bool:
    """Tell whether every folder is as it was listed, and those files that are looked at."""
    place = os.fsencode(root)
    stamps = [stamp_of(os.fsdecode(place + b"/" + folder)) for folder in listing.folders]
    if not np.array_equal(np.array(stamps, np.int64).reshape(-1, 2), listing.stamps):
        return False
    rows = np.unique(np.linspace(0, len(listing.ends) - 1, LOOKED_AT).round().astype(np.int64))
    starts = listing.ends - np.diff(listing.ends, prepend=0)
    bounds = np.stack([starts, listing.ends], axis=1)
    paths = ImagePaths(root, listing.folders, listing.folder, listing.names, bounds).take(rows)
    try:
        sizes = [path.stat().st_size for path in paths]
    except OSError:
        return False
    return np.array_equal(sizes, listing.sizes[rows])


def _pack(texts: list[str] | list[bytes]) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    """Return texts as bytes, each ended by a zero byte, which no file name has."""
    return np.frombuffer(b"".join(os.fsencode(text) + b"\0" for text in texts), np.uint8)


def _unpack(packed: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> list[bytes]:
    return packed.tobytes().split(b"\0")[:-1]
