"""One job and its folder: what it is, who has it, what became of it."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from holdfast.atomic import write_text
from holdfast.errors import DataError
from holdfast.locks import is_held, try_to_hold

State = Literal["not started", "running", "incomplete", "done", "failed"]
LOCK = "lock"
STATES: tuple[State, ...] = ("done", "running", "incomplete", "not started", "failed")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to do; plain values, so that it travels between processes and machines.

    Attributes:
        target: ``module:function``; called with ``arguments`` and the job's folder, returns a
            dictionary of numbers to show, or None.
        arguments: of the function, JSON values.
        name: for people.
        content: what else the outcome depends on, such as the text of configuration files.
        locations: further arguments of the function that do not change the outcome, such as the
            folder of the data or the device; they are no part of the digest.
    """

    target: str
    arguments: dict[str, Any]
    name: str = ""
    content: str = ""
    locations: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that name the job's folder."""
        text = json.dumps([self.target, self.arguments, self.content], sort_keys=True)
        return sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class JobFolder:
    """The files of one job.

    ``job.json``, ``lock``, ``started.json``, ``log.txt``, and ``done.json`` or ``failed.json``.

    A job is claimed by holding ``lock``, which the kernel releases when its process ends.
    """

    path: Path

    def describe(self, job: Job) -> None:
        """Write ``job.json`` unless it is there and the same."""
        path, text = self.path / "job.json", json.dumps(asdict(job), indent=1) + "\n"
        if not path.is_file() or path.read_bytes() != text.encode():
            write_text(path, text)

    def job(self) -> Job:
        """Read what the job is.

        Raises:
            DataError: ``job.json`` is missing, damaged, or describes another job than the folder's
                name says, so that a foreign file never decides what runs.
        """
        try:
            job = Job(**json.loads((self.path / "job.json").read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{self.path} is no job ({error}): remove the folder.") from error
        if job.digest != self.path.name:
            raise DataError(f"{self.path} describes another job: remove the folder.")
        return job

    @contextlib.contextmanager
    def claim(self) -> Iterator[bool]:
        """Hold the job while the block runs; gives False if another process has it."""
        with try_to_hold(self.path / LOCK) as mine:
            yield mine

    def is_claimed(self) -> bool:
        """Tell whether some process has the job now."""
        return is_held(self.path / LOCK)

    def state(self) -> State:
        """Return what became of the job so far."""
        if (self.path / "done.json").is_file():
            return "done"
        if (self.path / "failed.json").is_file():
            return "failed"
        if self.is_claimed():
            return "running"
        return "incomplete" if (self.path / "started.json").is_file() else "not started"

    def state_when_mine(self) -> State:
        """Return the state as the holder of the claim sees it."""
        for name in ("done", "failed"):
            if (self.path / f"{name}.json").is_file():
                return name
        return "incomplete"

    def start(self) -> int:
        """Record an attempt; return its number, from 1 on. The caller must hold the claim."""
        before = self.read("started")
        attempt = int(before.get("attempt", 0)) + 1
        content = {
            "attempt": attempt,
            "deaths": int(before.get("deaths", 0)),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "time": time.time(),
        }
        write_text(self.path / "started.json", json.dumps(content) + "\n")
        return attempt

    def count_death(self) -> int:
        """Record that the job's process died; return how often. The caller must hold the claim."""
        content = self.read("started")
        content["deaths"] = int(content.get("deaths", 0)) + 1
        write_text(self.path / "started.json", json.dumps(content) + "\n")
        return int(content["deaths"])

    def finish(self, result: dict[str, Any] | None, seconds: float) -> None:
        """Record success. The caller must hold the claim."""
        content = {"seconds": round(seconds, 3), "time": time.time(), "result": result or {}}
        write_text(self.path / "done.json", json.dumps(content) + "\n")

    def fail(self, reason: str, sentence: str) -> None:
        """Record a failure that running again would only repeat.

        Args:
            reason: one word: ``diverged``, ``error``, ``time`` or ``attempts``.
            sentence: for people.
        """
        content = {"reason": reason, "sentence": sentence, "time": time.time()}
        write_text(self.path / "failed.json", json.dumps(content) + "\n")

    def retry(self) -> None:
        """Forget how the job ended and the attempts that led there."""
        for name in ("done.json", "failed.json", "started.json"):
            (self.path / name).unlink(missing_ok=True)

    def read(self, name: Literal["started", "done", "failed"]) -> dict[str, Any]:
        """Return one of the records; an absent or damaged one is empty."""
        try:
            found = json.loads((self.path / f"{name}.json").read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
