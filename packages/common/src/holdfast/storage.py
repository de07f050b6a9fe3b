"""Folders on object storage (``s3://...``, ``memory://...``) as local copies that are kept in step.

The one place that knows fsspec. Locks, memory maps and renames need a file system, which an object
store is not; so a run works in a folder of the user's cache, and what changed there is copied.
"""

import contextlib
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from holdfast.atomic import atomic_path, write_text
from holdfast.data.roots import cache_folder
from holdfast.errors import ConfigError, DataError, DiskError, MissingToolError

LAST = ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "run.json")
"""Written after everything else, in this order: what a resumed run reads is then complete."""


def is_remote(place: object) -> bool:
    """Tell whether a place is an address such as ``s3://bucket/runs`` and not a local path."""
    return "://" in str(place)


def local_copy(address: str) -> Path:
    """Return the local folder that stands for an address; nothing is read or made."""
    digest = sha256(address.rstrip("/").encode()).hexdigest()[:16]
    return cache_folder() / "remote" / digest


def fetched(place: str | Path) -> Path:
    """Return a local path as it is; of an address, the local copy after it was brought up to date.

    Raises:
        DataError: nothing lies at the address.
    """
    if not is_remote(place):
        return Path(place)
    mirror = Mirror(str(place), local_copy(str(place)))
    if not mirror.pull():
        raise DataError(f"There is nothing at {place}: check the address.")
    return mirror.folder


class Mirror:
    """A folder on object storage and its local copy.

    Args:
        address: of the folder, such as ``s3://bucket/runs/name``.
        folder: the local copy; a file beside it remembers what both sides were like.

    Raises:
        ConfigError: fsspec has no such kind of storage.
        MissingToolError: its package is not installed.
    """

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address.rstrip("/"), folder
        self._known_file = folder.with_name(f".{folder.name}.json")
        self._files, self._root = _file_system(self.address)

    def pull(self) -> bool:
        """Bring the local copy up to date; returns whether anything lies at the address.

        Where nothing changed there, local files that were not copied yet are kept.

        Raises:
            DiskError: the storage cannot be read, or the local disk not be written.
        """
        known, remote = self._known(), self._remote()
        if {name: one[0] for name, one in known.items()} == remote and self.folder.is_dir():
            return bool(remote)
        for name in set(self._local()) - set(remote):
            self._remove(self.folder / name)
        for name, state in remote.items():
            if known.get(name, [None])[0] != state or self._signature(name) != known[name][1]:
                target = self.folder / name
                with self._told("read"), atomic_path(target) as temporary:
                    self._files.get_file(f"{self._root}/{name}", str(temporary))
        self._remember(remote)
        return bool(remote)

    def push(self) -> None:
        """Copy what changed in the local folder, and remove what is not there any more.

        Raises:
            DiskError: the storage cannot be written; the local folder is whole.
        """
        known, local = self._known(), self._local()
        changed = [name for name in local if known.get(name, [0, 0])[1] != self._signature(name)]
        with self._told("written"):
            for name in sorted(changed, key=_order):
                self._put(name)
            for name in set(known) - set(local):
                with contextlib.suppress(FileNotFoundError):
                    self._files.rm_file(f"{self._root}/{name}")
        self._remember(self._remote())

    def _remove(self, path: Path) -> None:
        """Remove a file and the folders that it leaves empty: a store has none."""
        path.unlink()
        while path.parent != self.folder and not any(path.parent.iterdir()):
            path = path.parent
            path.rmdir()

    def _put(self, name: str) -> None:
        target = f"{self._root}/{name}"
        self._files.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
        self._files.put_file(str(self.folder / name), target)

    def _remote(self) -> dict[str, str]:
        """Return every file at the address, with what changes when it does."""
        with self._told("read"):
            self._files.invalidate_cache()
            try:
                found = self._files.find(self._root, detail=True)
            except FileNotFoundError:
                return {}
        names = {str(path).removeprefix(self._root).lstrip("/"): one for path, one in found.items()}
        for name in names:
            if ".." in PurePosixPath(name).parts:
                raise DataError(f"{self.address} holds the name {name!r}, which leads out of it.")
        return {name: sha256(repr(sorted(one.items(), key=str)).encode()).hexdigest()[:16]
                for name, one in names.items() if name}  # fmt: skip

    def _local(self) -> list[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        names = (path.relative_to(self.folder).as_posix() for path in found)
        return [name for name in names if name != "lock" and not name.endswith(".tmp")]

    def _signature(self, name: str) -> list[int]:
        try:
            found = (self.folder / name).stat()
        except OSError:
            return []
        return [found.st_size, found.st_mtime_ns]

    def _known(self) -> dict[str, list[Any]]:
        try:
            found = json.loads(self._known_file.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _remember(self, remote: dict[str, str]) -> None:
        known = {name: [state, self._signature(name)] for name, state in remote.items()}
        write_text(self._known_file, json.dumps(known))

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn what a storage raises into a sentence."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
            raise DiskError(
                f"{self.address} cannot be {what} ({error}). The local files are whole in "
                f"{self.folder}: mend the connection and run the same command again."
            ) from error


def _order(name: str) -> int:
    return LAST.index(name) + 1 if name in LAST else 0


def _file_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system of an address and the path in it."""
    # Only where an address is given; fsspec has no types.
    from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # noqa: PLC0415

    kind = address.split("://", 1)[0]
    try:
        files, path = url_to_fs(address)
    except ImportError as error:
        raise MissingToolError(f"{kind}:// addresses need a package ({error}).") from error
    except ValueError as error:
        raise ConfigError(f"There is no storage {kind}:// ({error}): check {address}.") from error
    return files, str(path).rstrip("/")
