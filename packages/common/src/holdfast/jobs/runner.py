"""``python -m holdfast.jobs.runner FOLDER``: one job in one process, which holds its claim.

The same process does the work, marks the end and gives the claim back, so there is no moment at
which a killed supervisor leaves a finished job unmarked for long: the mark follows the work.
"""

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast.errors import DivergedError, HoldfastError
from holdfast.jobs.job import JobFolder
from holdfast.jobs.pool import TAKEN


def run(folder: JobFolder) -> int:
    """Claim a job, do it, and mark how it ended.

    Returns:
        0 done (now or before), 1 failed in a way that would repeat, 75 claimed by another process.
        Any other end leaves the job incomplete.
    """
    with folder.claim() as mine:
        if not mine:
            return TAKEN
        if folder.state_when_mine() in {"done", "failed"}:
            return 0
        folder.start()
        job = folder.job()
        module, name = job.target.split(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        begun = time.monotonic()
        try:
            result = function(folder=str(folder.path), **job.arguments)
        except HoldfastError as error:
            reason = "diverged" if isinstance(error, DivergedError) else "error"
            folder.fail(reason, str(error))
            sys.stderr.write(f"{error}\n")
            return 1
        folder.finish(result, time.monotonic() - begun)
        return 0


def main() -> int:
    """Run the job whose folder is the only word; its output goes to ``log.txt``."""
    folder = JobFolder(path=Path(sys.argv[1]))
    with (folder.path / "log.txt").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    with contextlib.suppress(BrokenPipeError):
        return run(folder)
    return 1


if __name__ == "__main__":
    sys.exit(main())
