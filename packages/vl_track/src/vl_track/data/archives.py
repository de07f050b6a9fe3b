"""Files inside zip and tar archives, by paths that go through them: ``img.zip/00000001.jpg``."""

import os
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from holdfast.archives import DAMAGED_ARCHIVE
from holdfast.errors import DataError

SUFFIXES = (".zip", ".tar")
MOST_BYTES = 256_000_000
"""An image is never larger; an archive may claim anything."""
OPEN_ARCHIVES = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Archive:
    """Where the members of one archive lie.

    Attributes:
        path: of the archive.
        members: for a tar file, offset and size by name; for a zip file, size by name.
        lock: one thread at a time reads a zip file.
    """

    path: Path
    members: dict[str, tuple[int, int]] = field(repr=False)
    zipped: zipfile.ZipFile | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read(self, name: str) -> bytes:
        """Return a member's content.

        Raises:
            FileNotFoundError: there is no such member.
            DataError: it claims to be too large, or is damaged.
        """
        if name not in self.members:
            raise FileNotFoundError(f"{self.path} has no {name}")
        offset, size = self.members[name]
        if size > MOST_BYTES:
            raise DataError(f"{name} in {self.path} claims {size} bytes: this is no image.")
        try:
            if self.zipped is not None:
                with self.lock:
                    return self.zipped.read(name)
            with self.path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except DAMAGED_ARCHIVE as error:
            raise DataError(f"{name} in {self.path} is damaged ({error}).") from error


def read_through(path: Path) -> bytes:
    """Return the content of a file on disk or inside an archive.

    Raises:
        OSError: there is no such file, or it cannot be read.
        DataError: the archive is damaged.
    """
    try:
        return path.read_bytes()
    except NotADirectoryError:
        archive = next(parent for parent in path.parents if parent.is_file())
        return open_archive(archive).read(path.relative_to(archive).as_posix())


def size_of(path: Path) -> int:
    """Return the size of a file on disk or inside an archive; -1 if there is none."""
    try:
        return path.stat().st_size
    except NotADirectoryError:
        archive = next((parent for parent in path.parents if parent.is_file()), None)
        if archive is None:
            return -1
        name = path.relative_to(archive).as_posix()
        return open_archive(archive).members.get(name, (0, -1))[1]
    except OSError:
        return -1


def open_archive(path: Path) -> Archive:
    """List an archive; kept open in each process, for forked ones share a file's position.

    Raises:
        DataError: it is no zip and no plain tar file.
    """
    return _opened(path, os.getpid())


@lru_cache(maxsize=OPEN_ARCHIVES)
def _opened(path: Path, process: int) -> Archive:
    try:
        if zipfile.is_zipfile(path):
            zipped = zipfile.ZipFile(path)
            sizes = {m.filename: (0, m.file_size) for m in zipped.infolist() if not m.is_dir()}
            return Archive(path=path, members=sizes, zipped=zipped)
        with tarfile.open(path, "r:") as archive:
            places = {m.name: (m.offset_data, m.size) for m in archive if m.isfile()}
        return Archive(path=path, members=places)
    except DAMAGED_ARCHIVE as error:
        raise DataError(
            f"{path} is no zip and no uncompressed tar file ({error}): frames of compressed tar "
            "files cannot be read one by one; unpack it."
        ) from error
