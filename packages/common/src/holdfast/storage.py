"""Folders on object storage (``s3://...``, ``memory://...``) as local copies that are kept in step.

The one place that knows fsspec. Locks, memory maps and renames need a file system, which an object
store is not; so a run works in a folder of the user's cache, and what changed there is copied.
"""

import contextlib
import filecmp
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from holdfast.atomic import atomic_path, write_text
from holdfast.data.preparing import only_preparer
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

    Of several processes one fetches, and the others wait.

    Raises:
        DataError: nothing lies at the address.
    """
    if not is_remote(place):
        return Path(place)
    mirror = Mirror(str(place), local_copy(str(place)))
    with only_preparer(mirror.folder):
        found = mirror.pull()
    if not found:
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

        Local files that were not copied yet are kept, and so are local removals.

        Raises:
            DataError: a file has changed on both sides.
            DiskError: the storage cannot be read, or the local disk not be written.
        """
        known, remote = self._known(), self._remote()
        names = sorted({*known, *remote}, key=lambda name: (_order(name), name))
        any_here = bool(self._local())  # without any, the local copy was removed as a whole
        take = []
        for name in names:
            state, signature = known.get(name, [None, []])
            here = self._signature(name)
            if remote.get(name) == state:
                if not here and not (signature and any_here):
                    take.append(name)
            elif not here or here == signature:
                take.append(name)
            elif not self._same(name, remote):
                raise DataError(
                    f"{name} has changed in {self.folder} and at {self.address}: move the local "
                    "file away to go on from what lies there."
                )
            else:
                known[name] = [remote[name], here]
        try:
            for name in take:
                if name in remote:
                    self._get(name, self.folder / name)
                    known[name] = [remote[name], self._signature(name)]
                else:
                    self._remove(self.folder / name)
                    del known[name]
        finally:
            if known != self._known():
                self._write(known)
        return bool(remote)

    def push(self) -> None:
        """Copy what changed in the local folder, and remove what is not there any more.

        What was copied is remembered file by file, so that a push that fails is gone on with.

        Raises:
            DiskError: the storage cannot be written; the local folder is whole.
        """
        known, local = self._known(), self._local()
        changed = [name for name in local if known.get(name, [0, 0])[1] != self._signature(name)]
        for name in sorted(changed, key=_order):
            signature = self._signature(name)
            with self._told("written"):
                self._put(name)
            state = self._remote().get(name)
            if state is not None:
                known[name] = [state, signature]
                self._write(known)
        for name in set(known) - set(local):
            with self._told("written"), contextlib.suppress(FileNotFoundError):
                self._files.rm_file(f"{self._root}/{name}")
            del known[name]
            self._write(known)

    def _same(self, name: str, remote: dict[str, str]) -> bool:
        """Tell whether both sides hold the same bytes: a copy that ended before it was noted."""
        if name not in remote:
            return False
        fetched_file = self._known_file.with_name(f"{self._known_file.name}.other")
        try:
            self._get(name, fetched_file)
            return filecmp.cmp(fetched_file, self.folder / name, shallow=False)
        finally:
            fetched_file.unlink(missing_ok=True)

    def _get(self, name: str, target: Path) -> None:
        with atomic_path(target) as temporary, self._told("read"):
            self._files.get_file(f"{self._root}/{name}", str(temporary))

    def _remove(self, path: Path) -> None:
        """Remove a file and the folders that it leaves empty: a store has none."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DiskError(f"{path} cannot be removed ({error.strerror}).") from error
        with contextlib.suppress(OSError):  # such a folder harms nobody
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

    def _write(self, known: dict[str, list[Any]]) -> None:
        write_text(self._known_file, json.dumps(known))

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turn what a storage raises into a sentence."""
        try:
            yield
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
