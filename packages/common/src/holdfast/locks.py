"""Files that one process holds at a time: the one kind of lock in Holdfast.

A lock is ``flock`` on an open file. The kernel releases it when its holder ends, however it ends.
Forked children (loader workers) inherit open files and would keep a killed holder's lock alive, so
every child closes them at once. NFS has such locks from version 4 on.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_HELD: set[int] = set()


@contextlib.contextmanager
def try_to_hold(path: Path) -> Iterator[bool]:
    """Hold a lock while the block runs; gives False if someone else has it.

    Args:
        path: the file to lock; it is created, and so is its folder.

    Raises:
        OSError: the file cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    _HELD.add(descriptor)
    try:
        yield _lock(descriptor, fcntl.LOCK_EX)
    finally:
        _HELD.discard(descriptor)
        os.close(descriptor)


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a lock while the block runs; waits while someone else has it.

    Raises:
        OSError: the file cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    _HELD.add(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        _HELD.discard(descriptor)
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether someone holds the lock now."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close_in_child() -> None:
    for descriptor in _HELD:
        os.close(descriptor)
    _HELD.clear()


os.register_at_fork(after_in_child=_close_in_child)
