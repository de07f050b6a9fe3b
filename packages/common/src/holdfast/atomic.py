"""Files that are whole or absent: write to a temporary name beside the target, then rename."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from holdfast.errors import DiskError

_LEFTOVER = re.compile(r"\..+\.\d+\.tmp")


def _free_space(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free / 1e6:.0f} MB free"
    except OSError:
        return "free space unknown"


@contextlib.contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; rename it onto the target on success.

    The rename is atomic because both names share a folder, and the bytes are flushed to the disk
    before it. On any failure the temporary file is removed and the target is left as it was.

    Args:
        target: the file to create or replace.

    Raises:
        DiskError: the file system refused to write (full, read-only, quota, permission).
    """
    target = Path(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    except OSError as error:
        raise DiskError(
            f"Could not write {target} ({error.strerror or error}; {_free_space(target.parent)}): "
            "free some space or choose another folder, then run the same command again."
        ) from error
    finally:
        # The folder may be no folder at all; the first error is the one to tell.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(*folders: Path) -> None:
    """Remove temporary files that a process killed in the middle of a write has left.

    Args:
        folders: that only the calling process writes into now; what is below them is not looked at.
    """
    for folder in folders:
        for path in folder.glob(".*.tmp"):
            if _LEFTOVER.fullmatch(path.name):
                path.unlink(missing_ok=True)


def write_bytes(target: str | Path, content: bytes) -> None:
    """Write bytes so that a reader sees the old file or the new one, never a part."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: str | Path, content: str) -> None:
    """Write UTF-8 text so that a reader sees the old file or the new one, never a part."""
    write_bytes(target, content.encode())
