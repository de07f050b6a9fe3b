"""Which Slurm tasks have left the queue: the one question that every cluster answers.

submitit asks ``sacct``, which answers nothing where a cluster keeps no accounts. A task whose node
died would then be waited for without end.
"""

import getpass
import shutil
import subprocess
import time
from collections.abc import Iterable

LOOK_SECONDS = 10.0
LOOKS = 3
"""Looks in a row without a task before it is gone: shared folders show results late."""


class Queue:
    """Tasks of this user in Slurm's queue, asked for now and then.

    Args:
        seconds: between two looks.
    """

    def __init__(self, seconds: float = LOOK_SECONDS) -> None:
        self.seconds = seconds
        self.missed: dict[str, int] = {}
        self.looked = time.monotonic()

    def gone(self, tasks: Iterable[str]) -> set[str]:
        """Return which of these tasks have left the queue for good.

        Args:
            tasks: their numbers, such as ``17_3``, none of which has an answer yet.
        """
        if time.monotonic() - self.looked < self.seconds:
            return set()
        self.looked = time.monotonic()
        queued = queued_tasks()
        if queued is None:  # the controller does not answer: nothing is known
            return set()
        self.missed = {task: self.missed.get(task, 0) + 1 for task in tasks if task not in queued}
        return {task for task, count in self.missed.items() if count >= LOOKS}


def queued_tasks() -> set[str] | None:
    """Return the numbers of all tasks of this user, or None where Slurm gives no answer."""
    program = shutil.which("squeue")
    if program is None:
        return None
    asked = [program, "--noheader", "--array", "--format=%i", f"--user={getpass.getuser()}"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return set(found.stdout.split()) if found.returncode == 0 else None
