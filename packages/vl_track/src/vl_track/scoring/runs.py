"""Running a tracker over annotated videos."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vl_track.data.geometry import Box
from vl_track.data.video import Picture, Video
from vl_track.scoring.success import overlaps, success_auc
from vl_track.tracking.steps import Estimate

Told = Literal["both", "box", "sentence"]


class Follower(Protocol):
    """A tracker of any kind."""

    def initialize(self, frame: Picture, box: Box | None = None, text: str = "") -> Estimate:
        """Say what to follow."""

    def track(self, frame: Picture) -> Estimate:
        """Find it in the next frame."""


@dataclass(frozen=True, kw_only=True)
class VideoRun:
    """What a tracker did on one video.

    Attributes:
        name: of the video.
        boxes: (T, 4).
        overlap: (T,) IoU with the truth; NaN where nothing is visible.
        seconds: of tracking, drawing and decoding left out.
    """

    name: str
    boxes: NDArray[np.float64]
    overlap: NDArray[np.float64]
    seconds: float

    @property
    def auc(self) -> float:
        """Success AUC over visible frames, the first left out."""
        later = self.overlap[1:]
        return success_auc(later[~np.isnan(later)])


def run_video(
    follower: Follower, video: Video, *, told: Told = "both", sentence: str | None = None
) -> VideoRun:
    """Track one video from its first frame to its last.

    Args:
        follower: the tracker.
        video: with annotations.
        told: what it is told at the start.
        sentence: says something else than the video's own sentence.
    """
    text = video.sentence if sentence is None else sentence
    text = "" if told == "box" else text
    boxes, overlap, seconds = [], [], 0.0
    for moment in range(len(video)):
        frame = video.frame(moment)
        begun = time.perf_counter()
        if moment == 0:
            box = None if told == "sentence" else video.box(0)
            estimate = follower.initialize(frame, box, text)
        else:
            estimate = follower.track(frame)
        seconds += time.perf_counter() - begun
        boxes.append(estimate.box)
        seen = video.visible(moment)
        overlap.append(overlaps([estimate.box], [video.box(moment)])[0] if seen else np.nan)
    return VideoRun(
        name=video.name, boxes=np.array(boxes), overlap=np.array(overlap), seconds=seconds
    )


def mean_auc(runs: Iterable[VideoRun]) -> float:
    """Return the mean over videos of their AUC."""
    return float(np.mean([run.auc for run in runs]))


def run_all(
    follower: Follower,
    videos: Iterable[Video],
    *,
    told: Told = "both",
    sentences: Callable[[Video], str] | None = None,
) -> list[VideoRun]:
    """Track several videos, one after the other."""
    return [
        run_video(follower, v, told=told, sentence=None if sentences is None else sentences(v))
        for v in videos
    ]
