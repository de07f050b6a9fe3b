"""Tracking a clip's objects frame by frame, in a thread that can be stopped."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from holdfast.errors import ConfigError, DataError, HoldfastError
from vl_track.data.geometry import Box
from vl_track.page.clip import Clip
from vl_track.page.objects import Follower, Found, Tracked
from vl_track.tracking import Estimate, Prompt, Step, follow
from vl_track.video.frames import Frame, Image
from vl_track.video.reading import open_source

State = Literal["waiting", "tracking", "done", "stopped", "failed"]
Row = list[float | None]


class PageTracker(Protocol):
    """What the page needs of a tracker: :class:`vl_track.Tracker` has it."""

    @property
    def present(self) -> float | None:
        """Return the probability that the object is in view, after the last frame."""

    def initialize(self, image: Image, box: Box | None = None, text: str = "") -> Estimate:
        """Take the prompt on an image, and forget the object before."""

    def track(self, image: Image) -> Estimate:
        """Find the object in the next image."""


@dataclass
class InTurn:
    """A tracker that shares its network with those of other visitors: one at a time.

    Attributes:
        tracker: that does the work.
        lock: of the network.
    """

    tracker: PageTracker
    lock: threading.Lock

    def initialize(self, image: Image, box: Box | None = None, text: str = "") -> Estimate:
        """See :meth:`vl_track.Tracker.initialize`."""
        with self.lock:
            return self.tracker.initialize(image, box, text)

    def track(self, image: Image) -> Estimate:
        """See :meth:`vl_track.Tracker.track`."""
        with self.lock:
            return self.tracker.track(image)


@dataclass
class Run:
    """One run over a clip.

    Attributes:
        number: of the run in its job.
        state: how it stands.
        rows: object, frame, x, y, width, height, score, presence, in the order they were found.
        trouble: why it failed, as a sentence.
        stop: once set, the run ends after the present frame.
        ended: set when the run will add nothing more.
    """

    number: int
    state: State = "waiting"
    rows: list[Row] = field(default_factory=list)
    trouble: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def active(self) -> bool:
        """Whether it waits or works."""
        return not self.ended.is_set()


@dataclass
class _Follower:
    """One object on its way through the frames."""

    one: Tracked
    tracker: InTurn
    frame: Frame | None = None

    def __post_init__(self) -> None:
        self.first = self.next = self.one.restart()
        drawn = self.one.drawn
        prompt = Prompt(drawn[self.first].box, drawn[self.first].text)
        later = {
            number: Prompt(one.box, one.text)
            for number, one in drawn.items()
            if number > self.first and not one.stay
        }
        self._steps = follow(self.tracker, self._frames(), prompt, later=later)

    def _frames(self) -> Iterator[Frame]:
        while self.frame is not None:
            yield self.frame

    def go(self, frame: Frame) -> Found:
        """Track the object in the next frame.

        Raises:
            ConfigError: its prompt cannot be used.
            DataError: its first frame is damaged.
        """
        self.frame = frame
        self.next = frame.number + 1
        step = next(self._steps)
        drawn = self.one.drawn.get(frame.number)
        if drawn is not None and drawn.stay and frame.number > self.first:
            drawn.box = step.box
            if step.image is not None:
                self.tracker.initialize(step.image, step.box, drawn.text)
        return Found(step.box, step.score, self._present(step, given=drawn is not None))

    def _present(self, step: Step, *, given: bool) -> float | None:
        return None if given or step.damaged else self.tracker.tracker.present


def run_objects(
    run: Run, clip: Clip, objects: list[Tracked], new_tracker: Callable[[], InTurn]
) -> None:
    """Track every object from its first old frame on; results come as they are found.

    A run that is stopped leaves its trackers with the objects; the next one goes on with them.

    Args:
        run: filled; its ``stop`` ends it.
        clip: whose frames are read anew, with every pixel.
        objects: with prompts; results before their ``restart`` are kept.
        new_tracker: gives a tracker for each.

    Raises:
        HoldfastError: a prompt cannot be used, or the clip cannot be read; what was found is kept.
    """
    wanted = [one for one in objects if one.drawn and one.fresh < clip.count]
    followers = [(one, _follower(one, new_tracker)) for one in wanted]
    if not followers:
        return
    for frame in frames_from(clip, min(follower.next for _, follower in followers)):
        if run.stop.is_set():
            for one, follower in followers:
                one.paused = follower
            return
        if frame.number >= (clip.count if clip.read else clip.most):
            return
        for one, follower in followers:
            if frame.number >= follower.next:
                _note(run, one, frame.number, follower.go(frame))


def _follower(one: Tracked, new_tracker: Callable[[], InTurn]) -> Follower:
    """Return the tracker that a stopped run has left, or a new one."""
    paused, one.paused = one.paused, None
    if paused is not None and paused.next == one.fresh:
        return paused
    return _Follower(one, new_tracker())


def frames_from(clip: Clip, start: int) -> Iterator[Frame]:
    """Yield a clip's frames from a number on.

    Raises:
        DataError: the clip cannot be read.
    """
    time = clip.times[start] if 0 < start < len(clip.times) else 0.0
    for frame in open_source(str(clip.file)).frames(time):
        if frame.number >= start:
            yield frame


def _note(run: Run, one: Tracked, number: int, found: Found) -> None:
    one.found[number] = found
    one.fresh = max(one.fresh, number + 1) if number <= one.fresh else one.fresh
    run.rows.append([one.id, number, *found.row()])


def work(
    run: Run,
    clip: Clip,
    objects: list[Tracked],
    new_tracker: Callable[[], InTurn],
    sentence: Callable[[HoldfastError], str],
) -> None:
    """Do a run, and note how it ended; for a thread.

    Args:
        run: to do.
        clip: as for :func:`run_objects`.
        objects: likewise.
        new_tracker: likewise.
        sentence: makes an error one for the visitor.
    """
    try:
        if not run.stop.is_set():
            run.state = "tracking"
            run_objects(run, clip, objects, new_tracker)
        run.state = "stopped" if run.stop.is_set() else "done"
    except (ConfigError, DataError) as error:
        run.state, run.trouble = "failed", sentence(error)
    finally:
        if run.state in {"waiting", "tracking"}:  # an error of ours, which the terminal shows
            run.state, run.trouble = "failed", "Something went wrong here: try again."
        run.ended.set()
