"""A full disk is nobody's failure: work stops, is not marked, and goes on when there is space."""

import errno
import os
import shutil
from pathlib import Path

NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
LEAST_BYTES = 1_000_000


def for_lack_of_space(error: BaseException) -> bool:
    """Tell whether an error, or one that led to it, says that the disk or a quota is full."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in NO_SPACE:
            return True
        found = found.__cause__ or found.__context__
    return False


def is_full(folder: Path) -> bool:
    """Tell whether a folder's disk has less than a megabyte, or no file name, left."""
    try:
        names = os.statvfs(folder)
        return shutil.disk_usage(folder).free < LEAST_BYTES or (
            names.f_files > 0 and names.f_favail == 0
        )
    except OSError:
        return False


def full_disk(folder: Path, what: str) -> str:
    """Return the sentence that a command ends with.

    Args:
        folder: of the job.
        what: the first error, as the system words it.
    """
    return (
        f"There is no space left for {folder} ({what}): free some space and give the same command "
        "again; finished jobs are kept, and no job counts as failed for this."
    )
