"""A folder, a tar file or a zip file, read the same way and never unpacked to disk."""

import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from holdfast.archives import DAMAGED_ARCHIVE
from holdfast.errors import DataError

MAX_MEMBER_BYTES = 256_000_000
"""A result or annotation file is never larger; an archive may claim anything."""


class Tree:
    """Files by their path below a root, with forward slashes.

    Args:
        source: where it came from, for messages.
        files: their content, or where it lies on disk.
    """

    def __init__(self, source: str, files: Mapping[str, bytes | Path]) -> None:
        self.source = source
        self._files = dict(files)

    @property
    def names(self) -> list[str]:
        """All files, sorted."""
        return sorted(self._files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            DataError: there is none, or it cannot be read.
        """
        try:
            found = self._files[name]
        except KeyError:
            raise DataError(f"{self.source} has no file {name}.") from None
        if isinstance(found, bytes):
            return found
        try:
            return found.read_bytes()
        except OSError as error:
            raise DataError(f"{found} cannot be read ({error.strerror}).") from error

    def text(self, name: str) -> str:
        """Return a file as text; bytes that are no UTF-8 are replaced."""
        return self.read(name).decode("utf-8", errors="replace")

    def below(self, folder: str) -> "Tree":
        """Return the files below a folder, named from there."""
        prefix = f"{folder}/" if folder else ""
        return Tree(
            f"{self.source}/{folder}" if folder else self.source,
            {
                name[len(prefix) :]: file
                for name, file in self._files.items()
                if name.startswith(prefix)
            },
        )

    def folders_with(self, suffix: str = ".txt") -> dict[str, list[str]]:
        """Return every folder that directly holds such files, with their names."""
        folders: dict[str, list[str]] = {}
        for name in self.names:
            path = PurePosixPath(name)
            if path.suffix == suffix:
                folders.setdefault("" if str(path.parent) == "." else str(path.parent), []).append(
                    path.name
                )
        return folders


def open_tree(path: str | Path) -> Tree:
    """List a folder, a ``.tar`` in any compression, or a ``.zip``.

    Members of archives that are no plain files, or whose names lead outside, are left out.

    Raises:
        DataError: nothing there, or no archive.
    """
    path = Path(path)
    if path.is_dir():
        files = {p.relative_to(path).as_posix(): p for p in path.rglob("*") if p.is_file()}
        return Tree(str(path), files)
    if not path.is_file():
        raise DataError(f"There is nothing at {path}: check the path.")
    try:
        members = _zip(path) if zipfile.is_zipfile(path) else _tar(path)
    except DAMAGED_ARCHIVE as error:
        raise DataError(f"{path} is no folder and no readable archive ({error}).") from error
    return Tree(str(path), members)


def _tar(path: Path) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and _inside(member.name):
                _check_size(path, member.name, member.size)
                file = archive.extractfile(member)
                members[_clean(member.name)] = file.read() if file else b""
    return members


def _zip(path: Path) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir() and _inside(member.filename):
                _check_size(path, member.filename, member.file_size)
                members[_clean(member.filename)] = archive.read(member)
    return members


def _inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in PurePosixPath(name).parts


def _clean(name: str) -> str:
    return PurePosixPath(name).as_posix()


def _check_size(path: Path, name: str, size: int) -> None:
    if size > MAX_MEMBER_BYTES:
        raise DataError(f"{name} in {path} claims {size} bytes: this is no annotation or result.")
