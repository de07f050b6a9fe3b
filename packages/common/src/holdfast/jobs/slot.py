"""One worker: it starts a process for jobs, again and again, and judges how each process ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.jobs.job import JobFolder
from holdfast.jobs.runner import DONE, NO_SPACE, TAKEN
from holdfast.jobs.space import full_disk, is_full

MOST_DEATHS = 3
ASKED_TO_STOP = {signal.SIGINT, signal.SIGTERM}


@dataclass(frozen=True, kw_only=True)
class Slot:
    """What one worker needs; plain values, so that it travels to other machines.

    Attributes:
        folders: of the jobs, absolute, in the order they should run.
        many_a_process: see :class:`holdfast.jobs.pool.Pool`.
        limit: seconds for each job; 0 for none.
        environment: variables that the processes get beside this one's.
    """

    folders: Sequence[str]
    many_a_process: bool = False
    limit: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)


def work(slot: Slot, stop: threading.Event | None = None) -> str:
    """Run jobs until none is free.

    Args:
        slot: the worker.
        stop: no further process is started once it is set.

    Returns:
        A sentence about what keeps every job from running, such as a full disk, or nothing.
    """
    free, fruitless, ended = _free(slot.folders), 0, _ended(slot.folders)
    while free and not (stop is not None and stop.is_set()):
        status, sentence = start_process(slot, free)
        if status == NO_SPACE:
            return sentence
        if status == TAKEN:
            time.sleep(0.05)
        before, ended, free = ended, _ended(slot.folders), _free(slot.folders)
        fruitless = fruitless + 1 if status not in {DONE, TAKEN} and ended == before else 0
        if fruitless >= MOST_DEATHS:
            return _why_none_ends(status)
    return ""


def _why_none_ends(status: int) -> str:
    if status > 0:
        return f"No process for jobs can be started (its exit status is {status}; see above)."
    return (
        f"Processes for jobs were stopped {MOST_DEATHS} times by signal {-status} before any job "
        "ended: find out what stops them, then give the same command again."
    )


def start_process(slot: Slot, folders: Sequence[str]) -> tuple[int, str]:
    """Run one process over some jobs and wait for it; a job that it left behind is judged.

    Returns:
        Its exit status and, for ``NO_SPACE``, the sentence about it.
    """
    asked = json.dumps({"folders": list(folders), "many": slot.many_a_process, "limit": slot.limit})
    root = str(Path(folders[0]).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast.jobs.runner", root],
        env={**os.environ, **slot.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    sentence, _ = process.communicate(asked)
    status = process.returncode
    if status in {TAKEN, NO_SPACE} or -status in ASKED_TO_STOP:
        return status, sentence
    for path in folders:
        folder = JobFolder(path=Path(path))
        if folder.state() == "incomplete" and _was_run_by(folder, process.pid):
            full = judge(folder, status, slot.limit)
            if full:
                return NO_SPACE, full
    return status, ""


def judge(folder: JobFolder, status: int, limit: float = 0.0) -> str:
    """Mark a job whose process ended without a mark.

    An error in its code fails it, and so does a time limit that has passed; being killed fails it
    after three times.

    Returns:
        A sentence about the full disk, if that may be why; the job is then not marked.
    """
    with folder.claim() as mine:
        if not mine or folder.state_when_mine() != "incomplete":
            return ""
        last = last_line(folder.path / "log.txt")
        if is_full(folder.path):
            return full_disk(folder.path, last)
        if limit and status > 0 and time.time() - _started(folder) >= limit:
            folder.fail("time", f"it took longer than {limit:g} s and was ended (see log.txt)")
        elif status > 0:
            folder.fail("error", f"{last} (see log.txt)")
        elif folder.count_death() >= MOST_DEATHS:
            folder.fail("attempts", f"its process died {MOST_DEATHS} times (signal {-status})")
    return ""


def last_line(log: Path) -> str:
    """Return the last line of a log that says something."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "no message")


def _free(folders: Sequence[str]) -> list[str]:
    open_states = {"not started", "incomplete"}
    return [path for path in folders if JobFolder(path=Path(path)).state() in open_states]


def _ended(folders: Sequence[str]) -> int:
    return sum(JobFolder(path=Path(path)).state() in {"done", "failed"} for path in folders)


def _was_run_by(folder: JobFolder, process: int) -> bool:
    started = folder.read("started")
    return (started.get("host"), started.get("process")) == (socket.gethostname(), process)


def _started(folder: JobFolder) -> float:
    return float(folder.read("started").get("time", time.time()))
