"""Importing much at once, sooner."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def first_imports() -> Iterator[None]:
    """Collect no garbage while modules are imported, nor look through them ever after.

    Importing torch and Lightning makes a million objects that stay; Python's collector goes
    through them again and again (a tenth of the time), and a last time when the process ends.
    For a process's first imports only: what is garbage at the end of this block stays too.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
