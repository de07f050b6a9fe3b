"""One process in a run directory at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_utilities.core.rank_zero import rank_zero_only

from holdfast.errors import ConfigError, DiskError

LOCK = "lock"


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold a run directory while the block runs; the kernel gives it back however we end.

    The lock is a record lock: forked loader workers do not inherit it, so one that outlives a
    killed run for a moment does not keep the next launch out. Only rank zero takes it.

    Raises:
        ConfigError: another process trains this very run.
        DiskError: the folder cannot be written.
    """
    if getattr(rank_zero_only, "rank", 0) != 0:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DiskError(f"{folder} cannot be written ({error.strerror}).") from error
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"Another process is training this very run in {folder}: wait for it or stop it; "
                "the same command then goes on where it stopped."
            ) from error
        yield
    finally:
        os.close(descriptor)
