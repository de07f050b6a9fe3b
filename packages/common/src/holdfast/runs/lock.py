"""One process in a run directory at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lightning_utilities.core.rank_zero import rank_zero_only

from holdfast.atomic import remove_leftovers
from holdfast.errors import ConfigError, DiskError
from holdfast.locks import try_to_hold

LOCK = "lock"
WRITTEN = ("checkpoints", "logits", "segments")
"""Folders that only the process which trains the run writes into."""


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold a run directory while the block runs; only rank zero takes the lock.

    Raises:
        ConfigError: another process trains this very run.
        DiskError: the folder cannot be written.
    """
    if getattr(rank_zero_only, "rank", 0) != 0:
        yield
        return
    with ExitStack() as stack:
        try:
            mine = stack.enter_context(try_to_hold(folder / LOCK))
        except OSError as error:
            raise DiskError(f"{folder} cannot be written ({error.strerror}).") from error
        if not mine:
            raise ConfigError(
                f"Another process is training this very run in {folder}: wait for it or stop it; "
                "the same command then goes on where it stopped."
            )
        remove_leftovers(folder, *(folder / name for name in WRITTEN))
        yield
