"""What one visitor does with one clip: drawing, tracking, stopping, and taking the results."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.errors import HoldfastError
from holdfast.serving.errors import PageError, without_paths
from holdfast.serving.jobs import Job, Jobs
from vl_track.page.clip import Clip, Limits, finish_reading, read_frames
from vl_track.page.objects import Tracked, remarks_on, update_objects
from vl_track.page.running import InTurn, Run, work

MOST_WAITING = 32
STOP_SECONDS = 10.0


@dataclass
class Workers:
    """The threads of a page.

    Attributes:
        new_tracker: gives a tracker; all share one network.
        remarks: of the text encoder about a sentence.
        tracking: runs; the others wait.
        reading: writes clips as pictures.
        waiting: runs that were asked for and have not ended.
    """

    new_tracker: Callable[[], InTurn]
    remarks: Callable[[str], list[str]]
    tracking: ThreadPoolExecutor
    reading: ThreadPoolExecutor
    waiting: set[int] = field(default_factory=set)


class Session:
    """A clip, its objects and the latest run.

    Args:
        job: whose folder holds the clip.
        jobs: whose quota counts.
        clip: from :func:`vl_track.page.clip.open_clip`.
        limits: of the page.
        workers: of the page.
    """

    def __init__(
        self, job: Job["Session"], jobs: Jobs["Session"], clip: Clip, limits: Limits,
        workers: Workers,
    ) -> None:  # fmt: skip
        self.job, self.jobs, self.clip, self.limits = job, jobs, clip, limits
        self.workers = workers
        self.objects: dict[int, Tracked] = {}
        self.run = Run(number=0, state="done")
        self.run.ended.set()
        self.closed = threading.Event()
        self.overlay = threading.Lock()
        self._reading: Future[None] = workers.reading.submit(self._read)

    def _read(self) -> None:
        trouble = ""
        try:
            read_frames(self.clip, self._reserve, self.closed)
        except HoldfastError as error:
            trouble = self.sentence(error)
        except OSError:
            trouble = "" if self.closed.is_set() else "The disk of this page is full."
        finish_reading(self.clip, trouble)

    def _reserve(self, count: int) -> None:
        self.jobs.reserve(self.job, count)

    def sentence(self, error: HoldfastError) -> str:
        """Return an error for the visitor: with the clip's own name, without the server's path."""
        named = str(error).replace(str(self.clip.file), self.job.name)
        return without_paths(named, self.jobs.folder)

    def draw(self, given: object) -> None:
        """Take the objects as the visitor describes them; a run in progress is stopped first.

        Raises:
            PageError: they are not what they should be.
        """
        self.stop()
        self.objects = update_objects(self.objects, given, self.clip, self.limits.objects)

    def start(self) -> None:
        """Begin to track.

        Raises:
            PageError: there is nothing to track, or too many wait already.
        """
        wanted = [one for one in self.objects.values() if one.drawn]
        if not wanted:
            raise PageError(
                400, "There is nothing to follow yet: draw a box, or say what it is in words."
            )
        self.stop()
        if len(self.workers.waiting) >= MOST_WAITING:
            raise PageError(503, "Too many people wait already: try again in a while.")
        run = self.run = Run(number=self.run.number + 1)
        self.workers.waiting.add(id(run))
        future = self.workers.tracking.submit(
            work, run, self.clip, wanted, self.workers.new_tracker, self.sentence
        )
        future.add_done_callback(lambda _: self.workers.waiting.discard(id(run)))

    def stop(self) -> None:
        """Stop the run in progress, if there is one, and wait for its present frame.

        Raises:
            PageError: the frame takes very long.
        """
        self.run.stop.set()
        if self.run.state == "waiting":
            return
        if not self.run.ended.wait(STOP_SECONDS):
            raise PageError(503, "The tracker is still busy with a frame: try again.")

    def close(self) -> None:
        """End all work; the folder may be removed then."""
        self.closed.set()
        self.run.stop.set()

    def describe(self) -> dict[str, Any]:
        """Return everything that a page needs to show this session."""
        clip = self.clip
        return {
            "id": self.job.id,
            "name": clip.name,
            "width": clip.width,
            "height": clip.height,
            "rate": clip.rate,
            **self.reading(),
            "objects": [self._describe(one) for one in self.objects.values()],
            **self.progress(len(self.run.rows)),
        }

    def reading(self) -> dict[str, Any]:
        """Return how much of the clip can be shown."""
        clip = self.clip
        return {"count": clip.count, "ready": len(clip.times), "read": clip.read,
                "whole": clip.whole, "note": clip.trouble}  # fmt: skip

    def progress(self, since: int) -> dict[str, Any]:
        """Return the run's state and what it found since so many rows."""
        run = self.run
        state, rows = run.state, run.rows[since:]
        return {"run": run.number, "state": state, "next": since + len(rows), "rows": rows,
                "trouble": run.trouble, "ahead": self._ahead()}  # fmt: skip

    def _ahead(self) -> int:
        return len(self.workers.waiting) if self.run.state == "waiting" else 0

    def _describe(self, one: Tracked) -> dict[str, Any]:
        prompts = [
            {"frame": number, "box": None if drawn.stay else drawn.box, "text": drawn.text,
             "stay": drawn.stay}
            for number, drawn in sorted(one.drawn.items())
        ]  # fmt: skip
        found = [[number, *one.found[number].row()] for number in sorted(one.found)]
        return {
            "id": one.id,
            "name": one.name,
            "prompts": prompts,
            "found": found,
            "fresh": one.fresh,
            "remarks": remarks_on(one, self.workers.remarks),
        }

    def marks(self) -> list[dict[str, Any]]:
        """Return what a change of the objects means: what is old, and what words are unknown."""
        return [
            {"id": one.id, "fresh": one.fresh, "remarks": remarks_on(one, self.workers.remarks)}
            for one in self.objects.values()
        ]

    def overlay_file(self) -> Path:
        """Return where the overlay video is written."""
        return self.job.folder / "overlay.mp4"
