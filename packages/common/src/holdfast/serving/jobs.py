"""A folder for each thing that a visitor sent, removed with it, and a quota for all of them."""

import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from holdfast.locks import try_to_hold
from holdfast.serving.errors import PageError

PREFIX = "holdfast-page-"
LOCK = "held"
FRESH_SECONDS = 60.0
"""A folder younger than that may belong to a page that has not locked it yet."""
UNUSED_SECONDS = 300.0
"""A job that nobody has asked for so long makes room for new ones; open pages ask every minute."""
MOST_JOBS = 100
NAME_LENGTH = 80


class Closing(Protocol):
    """What a job does its work with."""

    def close(self) -> None:
        """End the work; the job's folder is removed next."""


Content = TypeVar("Content", bound=Closing)


@dataclass
class Job(Generic[Content]):
    """What one visitor sent, and what was made of it.

    Attributes:
        id: cannot be guessed; whoever knows it may use the job.
        name: of the visitor's file, for messages only.
        folder: the job's own.
        content: set once the upload was looked at.
        size: bytes in the folder.
        touched: when somebody last asked for it, on the monotonic clock.
    """

    id: str
    name: str
    folder: Path
    content: Content | None = None
    size: int = 0
    touched: float = field(default_factory=time.monotonic)


class Jobs(Generic[Content]):
    """All jobs of a page, below one folder that ends with the page.

    Args:
        gigabytes: of all files together.
        minutes: after which a job that nobody asks for is removed.
        most: jobs at a time.
    """

    def __init__(self, *, gigabytes: float, minutes: float, most: int = MOST_JOBS) -> None:
        self.bytes, self.seconds, self.most = gigabytes * 1e9, minutes * 60, most
        remove_left_behind()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._open = ExitStack()
        self._open.enter_context(try_to_hold(self.folder / LOCK))
        self._jobs: dict[str, Job[Content]] = {}
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def size(self) -> int:
        """Bytes of all jobs."""
        with self._lock:
            return sum(job.size for job in self._jobs.values())

    def new(self, name: str) -> Job[Content]:
        """Make a job.

        Raises:
            PageError: there are too many that are in use.
        """
        with self._lock:
            if len(self._jobs) >= self.most and not self._make_room():
                raise PageError(503, "Too many people use this page now: try again in a while.")
            key = secrets.token_urlsafe(16)
            job: Job[Content] = Job(id=key, name=shown_name(name), folder=self.folder / key)
            job.folder.mkdir()
            self._jobs[key] = job
        return job

    def get(self, key: str) -> Job[Content]:
        """Return a job, and note that it is in use.

        Raises:
            PageError: there is no such job (any more).
        """
        with self._lock:
            job = self._jobs.get(key)
        if job is None:
            raise PageError(404, "This is not kept any more: send the file again.")
        job.touched = time.monotonic()
        return job

    def reserve(self, job: Job[Content], count: int) -> None:
        """Note bytes that are about to be written to a job's folder.

        Raises:
            PageError: the quota is full of jobs in use, or the job has been removed.
        """
        with self._lock:
            if job.id not in self._jobs:
                raise PageError(404, "This is not kept any more: send the file again.")
            while self.size + count > self.bytes:
                if not self._make_room(keep=job):
                    raise PageError(507, "This page's disk space is used up: try again later.")
            job.size += count

    def remove(self, key: str) -> None:
        """End a job and remove its folder; nothing happens if it is gone already."""
        with self._lock:
            job = self._jobs.pop(key, None)
        if job is None:
            return
        if job.content is not None:
            job.content.close()
        shutil.rmtree(job.folder, ignore_errors=True)

    @contextmanager
    def removed_on_failure(self, job: "Job[Content]") -> Iterator[None]:
        """Remove a job if the block that fills it does not come to its end."""
        with ExitStack() as failed:
            failed.callback(self.remove, job.id)
            yield
            failed.pop_all()

    def sweep(self) -> None:
        """Remove the jobs that nobody has asked for long enough, and what ended work left."""
        oldest = time.monotonic() - self.seconds
        with self._lock:
            found = [job.id for job in self._jobs.values() if job.touched < oldest]
            alone = [one for one in self.folder.iterdir()
                     if one.is_dir() and one.name not in self._jobs]  # fmt: skip
        for key in found:
            self.remove(key)
        for folder in alone:  # a thread may write one more file while its folder is removed
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove every job and the folder of all."""
        for key in list(self._jobs):
            self.remove(key)
        self._open.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_room(self, keep: Job[Content] | None = None) -> bool:
        """Remove the job that has been unused for longest, if that is long."""
        unused = time.monotonic() - UNUSED_SECONDS
        others = [one for one in self._jobs.values() if one is not keep and one.touched < unused]
        if not others:
            return False
        self.remove(min(others, key=lambda one: one.touched).id)
        return True


def remove_left_behind() -> None:
    """Remove folders of pages that were killed: their locks are nobody's."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        lock = folder / LOCK
        try:
            if time.time() - lock.stat().st_mtime < FRESH_SECONDS:
                continue
            with try_to_hold(lock) as free:
                if free:
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # somebody else's, or just removed
            continue


def shown_name(name: str) -> str:
    """Return a visitor's file name without folders and what cannot be printed."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(one for one in last if one.isprintable())
    return plain[:NAME_LENGTH] or "file"
