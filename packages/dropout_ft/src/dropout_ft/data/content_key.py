"""What tells the content of some files from any other, without reading them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def content_key(settings: str, paths: Sequence[Path], root: Path) -> str:
    """Return 16 hexadecimal digits for the name of a cached file.

    The folder itself, and each file's name, size and time of its last change count: neither a
    sibling folder with files of the same names and sizes nor a replaced file is mistaken for what
    was cached.

    Args:
        settings: all else that the cached content depends on.
        paths: of the files, in order.
        root: their folder, or the list that names them.
    """
    digest = hashlib.sha256(f"{settings}\0{root.resolve()}".encode())
    for path in paths:
        status = path.stat()
        name = path.relative_to(root) if path.is_relative_to(root) else path.absolute()
        digest.update(f"\0{name}\0{status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]
