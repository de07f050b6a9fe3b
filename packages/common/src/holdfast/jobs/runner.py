"""``python -m holdfast.jobs.runner ROOT``: one process that runs jobs and holds their claims.

It reads from its standard input which jobs there are, and takes the first that nobody has: one of
them, or one after the other in the same process. The process that does the work also marks its end
and releases the claim, so a killed supervisor never leaves a finished job unmarked.
"""

import contextlib
import faulthandler
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from holdfast.errors import DivergedError, HoldfastError
from holdfast.jobs.job import JobFolder
from holdfast.jobs.space import for_lack_of_space, full_disk, is_full

DONE, FAILED, TAKEN, NO_SPACE = 0, 1, 75, 74
"""Exit statuses; 75 (EX_TEMPFAIL): others have every job; 74 (EX_IOERR): the disk is full."""


def run(folder: JobFolder, limit: float = 0.0) -> int:
    """Claim a job, do it, and mark how it ended.

    Args:
        folder: of the job.
        limit: seconds after which the process ends itself, with every thread's traceback in the
            log; 0 for none. Python's own watchdog thread does it, even where the job hangs in C.

    Returns:
        ``DONE`` (now or before), ``FAILED`` in a way that would repeat, or ``TAKEN`` by another
        process. Any other end leaves the job incomplete.
    """
    with folder.claim() as mine:
        if not mine:
            return TAKEN
        if folder.state_when_mine() in {"done", "failed"}:
            return DONE
        folder.start()
        if limit:
            faulthandler.dump_traceback_later(limit, exit=True)
        try:
            return _do(folder)
        finally:
            faulthandler.cancel_dump_traceback_later()


def _do(folder: JobFolder) -> int:
    job = folder.job()
    module, name = job.target.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    begun = time.monotonic()
    try:
        result = function(folder=str(folder.path), **job.arguments, **job.locations)
    except HoldfastError as error:
        sys.stderr.write(f"{error}\n")
        if for_lack_of_space(error) or is_full(folder.path):
            raise
        reason = "diverged" if isinstance(error, DivergedError) else "error"
        folder.fail(reason, str(error))
        return FAILED
    folder.finish(result, time.monotonic() - begun)
    return DONE


def serve(folders: list[str], *, many: bool, limit: float, answer: TextIO) -> int:
    """Run the first job that can be claimed, or every one, in their order.

    Args:
        folders: of the jobs.
        many: run all of them, one after the other; otherwise the first.
        limit: seconds for each; 0 for none.
        answer: where a sentence about a full disk goes, as no log can hold it.

    Returns:
        ``TAKEN`` if there was nothing to do, else the status of the last job that was run.
    """
    status = TAKEN
    for path in folders:
        folder = JobFolder(path=Path(path))
        try:
            if folder.state() in {"done", "failed", "running"}:
                continue
            _log_to(folder)
            found = run(folder, limit)
        except (HoldfastError, OSError) as error:
            if not (for_lack_of_space(error) or is_full(folder.path)):
                raise
            answer.write(full_disk(folder.path, str(error.__cause__ or error)))
            return NO_SPACE
        status = status if found == TAKEN else found
        if found != TAKEN and not many:
            return found
    return status


def _log_to(folder: JobFolder) -> None:
    """Append what this process writes from now on to the job's ``log.txt``."""
    sys.stdout.flush()
    sys.stderr.flush()
    with (folder.path / "log.txt").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def main() -> int:
    """Serve the jobs that the standard input names; the words are for those who list processes."""
    asked = json.loads(sys.stdin.read())
    with os.fdopen(os.dup(1), "w") as answer, contextlib.suppress(BrokenPipeError):
        return serve(asked["folders"], many=asked["many"], limit=asked["limit"], answer=answer)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
