"""The one loop over a video: prompt the tracker, then ask it for every frame."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypedDict, runtime_checkable

from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import Box
from vl_track.data.video import Video
from vl_track.tracking.steps import Estimate, Prompt, Step
from vl_track.video.frames import DEFAULT_RATE, Frame, Image


class ObjectTracker(Protocol):
    """A tracker of one object, of any kind."""

    def initialize(self, image: Image, box: Box | None = None, text: str = "") -> Estimate:
        """Take the prompt on an image, and forget the object before."""

    def track(self, image: Image) -> Estimate:
        """Find the object in the next image."""


@runtime_checkable
class KnowsPresence(Protocol):
    """A tracker that says whether its object is in view."""

    @property
    def present(self) -> float | None:
        """Return the probability that it is, after the last frame."""

    @property
    def lost(self) -> bool:
        """Return whether the tracker has lost it."""


class Known(TypedDict, total=False):
    """What a step says beyond box and score."""

    present: float | None
    lost: bool


def follow(
    tracker: ObjectTracker,
    frames: Iterable[Frame],
    prompt: Prompt,
    *,
    later: Mapping[int, Prompt] | None = None,
) -> Iterator[Step]:
    """Track one object through frames, one step for each frame.

    A frame that cannot be decoded gives a step with the last box and score 0. To give a new prompt
    while iterating, call ``tracker.initialize(step.image, ...)``; the next step continues from it.

    Args:
        tracker: is initialised on the first frame.
        frames: of a source (:meth:`vl_track.video.source.Source.frames`), of annotated video
            (:func:`frames_of`), or of images (:func:`vl_track.video.frames.as_frames`).
        prompt: for the first frame.
        later: further prompts by frame number; one for a damaged frame is used on the next good
            frame.

    Yields:
        Steps with number and time of the frame, box, score, the tracker's seconds and the image.

    Raises:
        ConfigError: the prompt names nothing, or cannot be used.
        DataError: the first frame cannot be decoded.

    Examples:
        >>> frames = open_source("clip.mp4").frames()                         # doctest: +SKIP
        >>> for step in follow(tracker, frames, Prompt(text="the cup")):      # doctest: +SKIP
        ...     print(step.time, step.box, step.score)
    """
    further = {number: [one] for number, one in (later or {}).items()}
    for (step,) in follow_all([tracker], frames, [prompt], later=further):
        yield step


def follow_all(
    trackers: Sequence[ObjectTracker],
    frames: Iterable[Frame],
    prompts: Sequence[Prompt],
    *,
    later: Mapping[int, Sequence[Prompt | None]] | None = None,
) -> Iterator[tuple[Step, ...]]:
    """Track several objects through the same frames; see :func:`follow`.

    Args:
        trackers: one for each object.
        frames: of the source.
        prompts: one for each tracker, on the first frame.
        later: further prompts by frame number, one for each tracker; ``None`` leaves it as it is.

    Yields:
        For each frame the steps of all objects, in the order of the trackers.
    """
    if len(trackers) != len(prompts):
        raise ConfigError(f"{len(trackers)} trackers need as many prompts, not {len(prompts)}.")
    due: list[Prompt | None] = list(prompts)
    last: list[Estimate] = []
    for frame in frames:
        for index, prompt in enumerate((later or {}).get(frame.number, ())):
            due[index] = prompt or due[index]
        if frame.image is None:
            if not last:
                raise DataError(
                    f"Frame {frame.number} cannot be decoded, so there is nothing to start from: "
                    "start at a later frame."
                )
            yield tuple(
                Step(frame=frame.number, time=frame.time, box=one.box, score=0.0, damaged=True,
                     lost=_known(tracker).get("lost", False))
                for tracker, one in zip(trackers, last, strict=True)
            )  # fmt: skip
            continue
        answers = [_answer(*pair, frame.image) for pair in zip(trackers, due, strict=True)]
        due = [None] * len(trackers)
        last = [estimate for estimate, _ in answers]
        yield tuple(
            Step(frame=frame.number, time=frame.time, box=estimate.box, score=estimate.score,
                 seconds=seconds, image=frame.image, **_known(tracker))
            for tracker, (estimate, seconds) in zip(trackers, answers, strict=True)
        )  # fmt: skip


def frames_of(video: Video, rate: float = DEFAULT_RATE) -> Iterator[Frame]:
    """Yield the frames of an annotated video: a scene, or a sequence of a data set.

    Args:
        video: asked for one frame at a time.
        rate: frames a second, for the times.

    Raises:
        ImageError: a frame's file is missing or damaged.
    """
    for number in range(len(video)):
        yield Frame(number, number / rate, video.frame(number))


def _known(tracker: ObjectTracker) -> Known:
    """Return what a tracker says of the presence of its object, if it is one that does."""
    if not isinstance(tracker, KnowsPresence):
        return {}
    return {"present": tracker.present, "lost": tracker.lost}


def _answer(tracker: ObjectTracker, prompt: Prompt | None, image: Image) -> tuple[Estimate, float]:
    """Return a tracker's estimate and the seconds it took."""
    begun = time.perf_counter()
    if prompt is None:
        estimate = tracker.track(image)
    else:
        estimate = tracker.initialize(image, prompt.box, prompt.text)
    return estimate, time.perf_counter() - begun
