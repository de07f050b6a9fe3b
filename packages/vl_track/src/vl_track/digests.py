"""Digests of a model's files."""

import hashlib
from pathlib import Path

from holdfast.errors import CheckpointError


def digest_of(file: Path) -> str:
    """Return a file's SHA-256.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror}).") from error
