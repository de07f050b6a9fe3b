"""What a tracker went by in annotated videos, frame by frame: for presence and for the alarm.

A video counts as held until the object is gone, or until the tracker's box no longer overlaps it: a
ring within that time is a false alarm, and a ring after it is a true one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ConfigError, DataError
from vl_track.data.flags import Flags, runs_of
from vl_track.data.geometry import box_iou
from vl_track.data.prompts import PromptKind
from vl_track.data.video import Video
from vl_track.scoring.presence import is_known
from vl_track.scoring.searching import EVERY, Places, places_of
from vl_track.tracking.evidence import START, Numbers
from vl_track.tracking.loop import follow, frames_of
from vl_track.tracking.steps import Prompt
from vl_track.tracking.tracker import Tracker

Ways = PromptKind | Literal["either"]
"""What a tracker is given; ``either`` is box and sentence, and the box alone, in turn."""
ON_IT = 0.1
"""IoU from which the tracker counts as being on the object."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a tracker went by in one video, after the first frame.

    Attributes:
        name: of the video.
        features: (T, 4), :data:`vl_track.tracking.evidence.FEATURES`.
        said: (T,), the tracker's probability that the object is in view; NaN where it says none.
        rings: (T,), whether its alarm rang.
        known: (T,), whether it is known of a frame that it shows the object or not.
        seen: (T,), whether it shows the object.
        off: (T,), whether the tracker is known not to be on the object; true where that is gone.
        places: looked at all over the frame now and then; ``None`` where that was not asked for.
    """

    name: str
    features: Numbers
    said: Numbers
    rings: Flags
    known: Flags
    seen: Flags
    off: Flags
    places: Places | None = None

    @property
    def held(self) -> int:
        """Number of frames until the tracker is not on its object any more; T if it always is."""
        return int(self.off.argmax()) if self.off.any() else len(self.off)

    @property
    def first_ring(self) -> int | None:
        """Number of frames before the first ring; ``None`` without any."""
        return int(self.rings.argmax()) if self.rings.any() else None

    @property
    def left(self) -> int | None:
        """Number of frames before the first one without the object; ``None`` if it stays."""
        gone = self.known & ~self.seen
        return int(gone.argmax()) if gone.any() else None

    @property
    def absences(self) -> list[tuple[int, int]]:
        """First frame of each absence, and the frame in which the object is seen again."""
        latest = np.maximum.accumulate(np.where(self.known, np.arange(len(self.known)), -1))
        return runs_of(np.where(latest < 0, False, ~self.seen[latest]))

    def was_on_it(self, time: int) -> bool:
        """Tell whether the tracker was on its object when that was last looked at before a time."""
        before = np.flatnonzero(self.known[:time])
        return not len(before) or not bool(self.off[before[-1]])


class Keeper(Protocol):
    """Keeps what was watched, and gives it back without tracking again."""

    def take_up(self, name: str) -> Watched | None:
        """Return a video that was watched before; ``None`` if it was not."""

    def add(self, one: Watched) -> None:
        """Keep a video."""


def watch_videos(
    tracker: Tracker,
    videos: Iterable[Video],
    prompt: Ways,
    *,
    search: bool = False,
    keeper: Keeper | None = None,
    after: Callable[[], None] = lambda: None,
) -> list[Watched]:
    """Track videos and keep what presence is judged by.

    Args:
        tracker: is started anew on every video.
        videos: with annotations; of hand-annotated ones only the frames that were looked at count.
        prompt: which parts of the first frame's annotation the tracker is given.
        search: also look at places all over every 8th frame, which re-detection is fitted on.
        keeper: has, and gets, what is watched; a video that it has is not tracked.
        after: called after every video.

    Raises:
        ConfigError: the network says nothing of its cells, and so nothing can be judged.
        DataError: what it says is not finite.
    """
    found = []
    for number, video in enumerate(videos):
        one = None if keeper is None else keeper.take_up(video.name)
        if one is None:
            one = _watch(tracker, video, turn_of(prompt, number), search=search)
            if keeper is not None:
                keeper.add(one)
        found.append(one)
        after()
    return found


def turn_of(prompt: Ways, number: int) -> PromptKind:
    """Return what the tracker is given of a video, by the video's number."""
    if prompt == "either":
        return "box" if number % 2 else "box+text"
    return prompt


def _watch(tracker: Tracker, video: Video, prompt: PromptKind, *, search: bool) -> Watched:
    start = Prompt.of(prompt, video.box(0), video.sentence)
    rows: list[tuple[Numbers, float, bool, bool, bool, bool]] = []
    looked: list[Places] = []
    for time, step in enumerate(follow(tracker, frames_of(video), start)):
        if time == 0:
            continue
        features = tracker.watch.features
        if features is None:
            raise ConfigError("This model says nothing of its cells, so presence cannot be judged.")
        said = float("nan") if step.present is None else step.present
        known, seen = is_known(video, time), video.visible(time)
        off = known and (not seen or box_iou(step.box, video.box(time)) < ON_IT)
        if search and known and time > START and time % EVERY == 0 and step.image is not None:
            looked.append(places_of(tracker, step.image, video.box(time) if seen else None))
        rows.append((features, said, tracker.watch.rings, known, seen, off))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    if not np.isfinite(columns[0]).all():
        raise DataError(f"What the model says of {video.name} is not finite: it cannot be judged.")
    places = Places(*(np.concatenate(one) for one in zip(*looked, strict=True))) if looked else None
    named = dict(zip(_COLUMNS, columns, strict=True))
    return Watched(name=video.name, places=places, **named)


_COLUMNS = ("features", "said", "rings", "known", "seen", "off")


def pooled(watched: Sequence[Watched]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what was said of all known frames, and what is true.

    Raises:
        ConfigError: the model says nothing.
        DataError: nothing is known.
    """
    said = np.concatenate([one.said[one.known] for one in watched])
    if not len(said):
        raise DataError("No frame of these videos is annotated after the first.")
    if np.isnan(said).any():
        raise ConfigError(
            "This model does not say whether its object is in view: fit a presence.json for it "
            "with --fitted, or take one trained with `presence: true`."
        )
    return said, np.concatenate([one.seen[one.known] for one in watched])
