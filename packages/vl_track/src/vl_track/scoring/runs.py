"""Tracking annotated videos and scoring each at once, under the convention ``plain``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vl_track.data.geometry import Box
from vl_track.data.prompts import PromptKind
from vl_track.data.truth import truth_of
from vl_track.data.video import Video
from vl_track.scoring.conventions import convention
from vl_track.scoring.curves import SUCCESS
from vl_track.scoring.scores import score
from vl_track.tracking.loop import ObjectTracker, follow, frames_of
from vl_track.tracking.steps import Prompt


@dataclass(frozen=True, kw_only=True)
class SequenceResult:
    """What a tracker did on one video.

    Attributes:
        name: of the video.
        boxes: (T, 4).
        auc: success AUC in [0, 1] under the convention ``plain``.
        seconds: of the tracker, without drawing and decoding.
    """

    name: str
    boxes: NDArray[np.float64] = field(repr=False)
    auc: float
    seconds: float


def track_video(
    tracker: ObjectTracker, video: Video, prompt: PromptKind, *, sentence: str | None = None
) -> tuple[list[Box], list[float]]:
    """Return a box and the tracker's seconds for each frame; decoding is left out.

    The first box is the one that was given, as in the field's result files.

    Args:
        tracker: is initialised on the first frame.
        video: with annotations.
        prompt: which parts of the annotation the tracker is given.
        sentence: takes the place of the video's own sentence.
    """
    text = video.sentence if sentence is None else sentence
    start = Prompt.of(prompt, video.box(0), text)
    steps = [step.without_image() for step in follow(tracker, frames_of(video), start)]
    boxes = [step.box for step in steps]
    if start.box is not None:
        boxes[0] = start.box
    return boxes, [step.seconds for step in steps]


def run_video(
    tracker: ObjectTracker,
    video: Video,
    *,
    prompt: PromptKind = "box+text",
    sentence: str | None = None,
) -> SequenceResult:
    """Track one video from its first frame to its last, and score it.

    Args:
        tracker: is initialised on the first frame.
        video: with annotations.
        prompt: which parts of the annotation the tracker is given.
        sentence: takes the place of the video's own sentence.

    Raises:
        DataError: the object is visible in no frame after the first.
    """
    tracked, seconds = track_video(tracker, video, prompt, sentence=sentence)
    boxes = np.array(tracked, dtype=np.float64)
    found = score([truth_of(video)], {video.name: boxes}, convention("plain"))
    return SequenceResult(
        name=video.name,
        boxes=boxes,
        auc=float(found.curves[SUCCESS.name].mean()),
        seconds=sum(seconds),
    )


def mean_auc(results: Iterable[SequenceResult]) -> float:
    """Return the mean over videos of their AUC."""
    return float(np.mean([one.auc for one in results]))


def run_all(
    tracker: ObjectTracker,
    videos: Iterable[Video],
    *,
    prompt: PromptKind = "box+text",
    sentences: Callable[[Video], str] | None = None,
) -> list[SequenceResult]:
    """Track several videos, one after the other."""
    return [
        run_video(tracker, v, prompt=prompt, sentence=None if sentences is None else sentences(v))
        for v in videos
    ]
