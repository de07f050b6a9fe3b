"""Which files a result was made from: readers report them, and whoever asks collects them."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

_WATCHED: ContextVar[set[Path] | None] = ContextVar("watched", default=None)


@contextlib.contextmanager
def watching() -> Iterator[set[Path]]:
    """Collect the files and folders that the functions here look at, missing ones included."""
    looked_at: set[Path] = set()
    token = _WATCHED.set(looked_at)
    try:
        yield looked_at
    finally:
        _WATCHED.reset(token)


def look_at(path: Path) -> Path:
    """Remember that a result depends on a file or folder; returns it."""
    watched = _WATCHED.get()
    if watched is not None:
        watched.add(path)
    return path
