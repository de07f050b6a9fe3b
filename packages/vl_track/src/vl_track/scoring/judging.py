"""Fitting what presence is judged by, and how often the alarm rings when it should and should not.

A video counts as held until the object is gone, or until the tracker's box no longer overlaps it: a
ring within that time is a false alarm, and a ring after it is a true one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import Box
from vl_track.data.prompts import PromptKind
from vl_track.data.video import Video
from vl_track.scoring.logistic import logistic
from vl_track.scoring.presence import fit_calibration, is_known
from vl_track.scoring.searching import EVERY, Places, fit_places, places_of
from vl_track.tracking.evidence import FEATURES, START, Numbers
from vl_track.tracking.judge import Judge, worst_of
from vl_track.tracking.loop import follow, frames_of
from vl_track.tracking.steps import Prompt
from vl_track.tracking.tracker import Tracker

EXPECTED = 2.0
"""Chosen on Scenes' validation videos among 0 to 2: less notices fewer losses, more takes long."""
Ways = PromptKind | Literal["either"]
"""What a tracker is given; ``either`` is box and sentence, and the box alone, in turn."""
ON_IT = 0.1
"""IoU from which the tracker counts as being on the object."""
RIDGE = 0.03
"""Weight of the squared weights of standardised features in the loss."""


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
        held: frames until the object is gone or the tracker is not on it any more; T if neither
            happens.
        places: looked at all over the frame now and then; ``None`` where that was not asked for.
    """

    name: str
    features: Numbers
    said: Numbers
    rings: NDArray[np.bool_]
    known: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    held: int
    places: Places | None = None

    @property
    def first_ring(self) -> int | None:
        """Number of frames before the first ring; ``None`` without any."""
        return int(self.rings.argmax()) if self.rings.any() else None

    @property
    def left(self) -> int | None:
        """Number of frames before the first one without the object; ``None`` if it stays."""
        gone = self.known & ~self.seen
        return int(gone.argmax()) if gone.any() else None


@dataclass(frozen=True, kw_only=True)
class AlarmScore:
    """How the alarm did.

    Attributes:
        videos: number of videos.
        false: in how many it rang while the tracker was on its object.
        staying: in how many the object is seen in every known frame.
        rang_staying: in how many of these it rang, whatever the tracker did.
        leaving: in how many the object left while the tracker was on it.
        noticed: in how many of these it rang after that.
        delay: median number of frames from leaving to the ring, where it was noticed.
    """

    videos: int
    false: int
    staying: int
    rang_staying: int
    leaving: int
    noticed: int
    delay: float


def watch_videos(
    tracker: Tracker,
    videos: Iterable[Video],
    prompt: Ways,
    *,
    search: bool = False,
    after: Callable[[], None] = lambda: None,
) -> list[Watched]:
    """Track videos and keep what presence is judged by.

    Args:
        tracker: is started anew on every video.
        videos: with annotations; of hand-annotated ones only the frames that were looked at count.
        prompt: which parts of the first frame's annotation the tracker is given.
        search: also look at places all over every 8th frame, which re-detection is fitted on.
        after: called after every video.

    Raises:
        ConfigError: the network says nothing of its cells, and so nothing can be judged.
    """
    found = []
    turns: tuple[PromptKind, ...] = ("box+text", "box") if prompt == "either" else (prompt,)
    for number, video in enumerate(videos):
        found.append(_watch(tracker, video, turns[number % len(turns)], search=search))
        after()
    return found


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
        off = known and (not seen or overlap(step.box, video.box(time)) < ON_IT)
        if search and known and time > START and time % EVERY == 0 and step.image is not None:
            looked.append(places_of(tracker, step.image, video.box(time) if seen else None))
        rows.append((features, said, tracker.watch.rings, known, seen, off))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    off_it = columns.pop()
    held = int(off_it.argmax()) if off_it.any() else len(off_it)
    places = Places(*(np.concatenate(one) for one in zip(*looked, strict=True))) if looked else None
    named = dict(zip(_COLUMNS, columns, strict=True))
    return Watched(name=video.name, held=held, places=places, **named)


_COLUMNS = ("features", "said", "rings", "known", "seen")


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


def overlap(one: Box, other: Box) -> float:
    """Return the IoU of two boxes, in [0, 1]."""
    sides = [
        min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) - max(one[axis], other[axis])
        for axis in (0, 1)
    ]
    both = max(0.0, sides[0]) * max(0.0, sides[1])
    return both / max(one[2] * one[3] + other[2] * other[3] - both, 1e-9)


def fit_judge(
    fitting: Sequence[Watched],
    staying: Sequence[Watched],
    files: Mapping[str, str],
    expected: float = EXPECTED,
) -> Judge:
    """Fit a logistic model, and keep the worst of each calibration video for the alarm.

    The bound on false alarms holds only for videos that the model has not seen, as the next one
    will not have been seen. So none of those that the logits are scaled on counts for the alarm.

    Args:
        fitting: videos whose objects leave.
        staying: other videos, like those on which the alarm is to be bounded. The logits are scaled
            on as many of them as there are for fitting; the alarm is calibrated on the rest.
        files: digests of the model's weights, by name.
        expected: see :class:`vl_track.tracking.judge.Judge`.

    Raises:
        DataError: all known frames show the object, or none does.
    """
    features = np.concatenate([one.features[one.known] for one in fitting])
    seen = np.concatenate([one.seen[one.known] for one in fitting])
    if seen.all() or not seen.any():
        raise DataError("A fit needs frames with the object and frames without it.")
    weights, bias = logistic(features, seen, RIDGE)
    scaling, apart = staying[: len(fitting)], staying[len(fitting) :]
    weights, bias = _calibrated(weights, bias, [*fitting, *scaling])
    looked = [one.places for one in fitting if one.places is not None]
    judge = Judge(
        weights={
            name: round(float(value), 6) for name, value in zip(FEATURES, weights, strict=True)
        },
        bias=bias,
        frames=len(seen),
        videos=len(fitting),
        expected=expected,
        files=dict(files),
        places=fit_places(looked),
    )
    worst = sorted(round(worst_while_held(judge, one), 4) for one in apart)
    return Judge(**{**judge.__dict__, "worst": worst})


def _calibrated(weights: Numbers, bias: float, watched: Sequence[Watched]) -> tuple[Numbers, float]:
    """Scale and shift the logits, so that they are most likely on these videos.

    They are those of the fit and as many whose objects stay: how often an object is out of view
    decides how probable it is. The ridge of the fit makes logits too small: on held-out Scenes the
    calibration error was 0.096 without this and 0.050 with it.
    """
    logits = np.concatenate([one.features[one.known] for one in watched]) @ weights + bias
    seen = np.concatenate([one.seen[one.known] for one in watched])
    temperature, shift = fit_calibration(1 / (1 + np.exp(-logits)), seen)
    return weights / temperature, bias / temperature + shift


def worst_while_held(judge: Judge, one: Watched) -> float:
    """Return the greatest value of the alarm's statistic while the tracker is on its object."""
    return worst_of([judge.logit(row) for row in one.features[: one.held]], judge.expected)


def alarm_score(found: Sequence[Watched]) -> AlarmScore:
    """Count false and true rings."""
    staying = [one for one in found if one.left is None]
    leaving = [one for one in found if one.left is not None and one.held >= one.left]
    rung = [(one, one.first_ring) for one in leaving if one.first_ring is not None]
    late = [ring - one.held for one, ring in rung if ring >= one.held]
    return AlarmScore(
        videos=len(found),
        false=sum(one.first_ring is not None and one.first_ring < one.held for one in found),
        staying=len(staying),
        rang_staying=sum(one.first_ring is not None for one in staying),
        leaving=len(leaving),
        noticed=len(late),
        delay=float(np.median(late)) if late else float("nan"),
    )
