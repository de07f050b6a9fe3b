"""Folders of data that are prepared once, also where several processes ask for them at a time."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.atomic import write_text
from holdfast.errors import DataError, DiskError
from holdfast.locks import hold


@contextmanager
def only_preparer(target: Path) -> Iterator[None]:
    """Hold a folder that is to be prepared while the block runs; waits for another process.

    What the other one prepared is there afterwards: look again inside the block.

    Args:
        target: the folder; the lock lies beside it.

    Raises:
        DiskError: the lock cannot be created there.
    """
    lock = target.with_name(f".{target.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        raise DiskError(f"{lock} cannot be written ({error.strerror}).") from error
    with hold(lock):
        yield


def prepare_once(target: Path, ready: Callable[[], bool], prepare: Callable[[], None]) -> Path:
    """Prepare a folder unless it is ready; of several processes one does it, the others wait.

    Args:
        target: the folder, which is returned.
        ready: tells whether it is there, whole and up to date.
        prepare: makes it.

    Raises:
        DiskError: as for :func:`only_preparer`.
    """
    if not ready():
        with only_preparer(target):
            if not ready():
                prepare()
    return target


@contextmanager
def new_folder(target: Path, record: Path) -> Iterator[Path]:
    """Give an empty folder; it takes the target's place once the block has ended well.

    The caller holds :func:`only_preparer` and writes the record afterwards. Until then the record
    says that the folder is ours and unfinished.

    Args:
        target: the folder that is replaced.
        record: the JSON file that tells what is in it.

    Raises:
        DataError: there is a folder without our record: it is someone else's and stays.
    """
    if target.exists() and not record.is_file():
        raise DataError(
            f"{target} is there, but {record.name} beside it, which would say that Holdfast wrote "
            "it, is not: move the folder away, or choose another data root."
        )
    building = target.with_name(f".{target.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    yield building
    write_text(record, json.dumps({"unfinished": True}) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    building.replace(target)
