"""What the data of a run was: relative paths, sizes and, where that is cheap, the bytes."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CHEAP_BYTES = 200_000_000
"""Below this many bytes in all, the files' content is hashed without being asked for."""
_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The identity of a data set on disk; equal for the same files under another root.

    Attributes:
        digest: 16 hexadecimal digits over paths, sizes and, if ``content``, bytes.
        files: how many files there are.
        bytes: their size in all.
        content: whether the digest covers the files' bytes.
        groups: number of files in each top-level group, such as a domain.
        names: 16 hexadecimal digits over the paths alone.
        unit: what is counted, where that is no file, such as ``sequences``.
    """

    digest: str
    files: int
    bytes: int
    content: bool
    groups: dict[str, int]
    names: str = ""
    unit: str = "files"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for ``run.json``."""
        return asdict(self)


def fingerprint_named(
    named: Iterable[tuple[str, Path]], *, content: bool | None = None
) -> Fingerprint:
    """Take the fingerprint of files that lie anywhere.

    Args:
        named: name and path of each; the first part of a name, up to a slash, is its group.
        content: hash the bytes as well; by default if all files are below :data:`CHEAP_BYTES`.

    Raises:
        OSError: a file vanished.
    """
    paths = dict(named)
    sized = ((name, path.stat().st_size) for name, path in paths.items())
    return fingerprint_sized(sized, lambda name: paths[name].read_bytes(), content=content)


def fingerprint_sized(
    named: Iterable[tuple[str, int]], read: Callable[[str], bytes], *, content: bool | None = None
) -> Fingerprint:
    """Take the fingerprint of files whose sizes are known.

    Args:
        named: name and bytes of each; the first part of a name, up to a slash, is its group.
        read: returns the bytes of a name; not called where the content is not hashed.
        content: as for :func:`fingerprint_named`.

    Raises:
        OSError: a file vanished.
    """
    entries = sorted(named)
    total = sum(size for _, size in entries)
    hashed = total <= CHEAP_BYTES if content is None else content
    digest = hashlib.sha256()
    for start in range(0, len(entries), _AT_ONCE):
        some = entries[start : start + _AT_ONCE]
        if hashed:
            digest.update(b"".join(_with_content(name, read(name)) for name, _ in some))
        else:
            digest.update(os.fsencode("".join([f"{name}\0{size}\0" for name, size in some])))
    names = [name for name, _ in entries]
    return Fingerprint(
        digest=digest.hexdigest()[:16],
        files=len(entries),
        bytes=total,
        content=hashed,
        groups=dict(Counter([name.partition("/")[0] for name in names])),
        names=hashlib.sha256(os.fsencode("\0".join(names))).hexdigest()[:16],
    )


def _with_content(name: str, content: bytes) -> bytes:
    """Return what one file adds to a digest of contents; the size is that of what was read."""
    return os.fsencode(f"{name}\0{len(content)}\0") + hashlib.sha256(content).digest()


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One part of a data set that is an index rather than files.

    Attributes:
        count: how many things are listed.
        names: digest of their names.
        content: digest of all that the index says.
        bytes: size of the index.
    """

    count: int
    names: str
    content: str
    bytes: int


def fingerprint_listed(parts: Mapping[str, Listed], unit: str) -> Fingerprint:
    """Take the fingerprint of indexes, by the name of each part.

    Args:
        parts: in any order.
        unit: what they list, in the plural.
    """
    known = sorted(parts.items())
    return Fingerprint(
        digest=_digest_of((name, one.content) for name, one in known),
        files=sum(one.count for one in parts.values()),
        bytes=sum(one.bytes for one in parts.values()),
        content=False,
        groups={name: one.count for name, one in known},
        names=_digest_of((name, one.names) for name, one in known),
        unit=unit,
    )


def _digest_of(rows: Iterable[tuple[str, str]]) -> str:
    text = "\0".join(f"{name}\0{value}" for name, value in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe_change(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say in a few words how two fingerprints of ``run.json`` differ; empty if they do not.

    Fingerprints with and without content are compared by their counts only.
    """
    old, new = before.get("groups") or {}, now.get("groups") or {}
    unit = now.get("unit") or "files"
    changed = [
        f"{name}: {old.get(name, 0)} {unit} before, {new.get(name, 0)} now"
        for name in sorted({*old, *new})
        if old.get(name, 0) != new.get(name, 0)
    ]
    if changed:
        return "; ".join(changed[:3]) + ("; ..." if len(changed) > 3 else "")
    if has_other_files(before, now):
        return "other file names" if unit == "files" else f"other names of {unit}"
    if before.get("content") != now.get("content"):
        return "" if before.get("bytes") == now.get("bytes") else "other file sizes"
    return "" if before.get("digest") == now.get("digest") else "other names, sizes or contents"


def has_other_files(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Tell whether files were added, removed or renamed between two fingerprints."""
    if before.get("names") and now.get("names"):
        return bool(before["names"] != now["names"])
    return bool((before.get("groups") or {}) != (now.get("groups") or {}))
