"""Tracking a whole video: every frame goes through ``follow_all`` and to the outputs.

Whatever ends it, what was tracked until then is kept.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import av

from holdfast.errors import DataError, DiskError, HoldfastError
from vl_track.results import Layout
from vl_track.tracking.loop import ObjectTracker, follow_all
from vl_track.tracking.result import TrackResult
from vl_track.tracking.saving import save_result
from vl_track.tracking.steps import Prompt, Step
from vl_track.video.drawing import draw_estimate
from vl_track.video.frames import Image
from vl_track.video.source import Source
from vl_track.video.writing import VideoWriter, video_writer

SAVE_SECONDS = 30.0
"""Boxes are written this often while a video is tracked, so that a killed process loses little."""


class Sink(Protocol):
    """Takes every frame as it is tracked; returns False to end the run."""

    def __call__(self, steps: tuple[Step, ...], result: TrackResult) -> bool:
        """Take the steps of one frame."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What is written of one video.

    Attributes:
        overlay: video with boxes drawn.
        boxes: see :func:`vl_track.tracking.saving.save_result`.
        layout: of ``.txt`` boxes.
        lost_score: estimates below are drawn grey.
        sinks: further takers of every frame: progress bars, windows.
    """

    overlay: Path | None = None
    boxes: Path | None = None
    layout: Layout = "got10k"
    lost_score: float = 0.0
    sinks: Sequence[Sink] = field(default=())


def track_video(
    trackers: Sequence[ObjectTracker],
    source: Source,
    prompts: Sequence[Prompt],
    outputs: Outputs,
    *,
    start: float = 0.0,
    max_frames: int | None = None,
) -> TrackResult:
    """Track objects through a source and write the outputs.

    Args:
        trackers: one for each object.
        source: where frames come from.
        prompts: one for each object, on the first tracked frame.
        outputs: what to write.
        start: seconds of the source to leave out.
        max_frames: stop after this many.

    Returns:
        The steps. ``ended_by`` says what ended it early if that was the user.

    Raises:
        HoldfastError: the source, a tracker or an output failed. The outputs of the frames before
            the failure are written first, and the message says where they are.
    """
    result = TrackResult(source.name, tuple(prompts))
    steps = follow_all(trackers, islice(source.frames(start), max_frames), prompts)
    overlay = _Overlay(outputs, source)
    begun = time.perf_counter()
    failure: HoldfastError | None = None
    try:
        with terminations_raised():
            _run(steps, result, [overlay, *outputs.sinks], outputs)
    except KeyboardInterrupt as error:
        result.ended_by = str(error) or "stopped by the user"
    except HoldfastError as error:
        failure, result.ended_by = error, str(error)
    finally:  # also where something unforeseen ends the run
        result.seconds = time.perf_counter() - begun
        save_boxes(result, outputs)
        overlay.close()
    if failure is not None:
        raise _with_what_is_kept(failure, result, outputs)
    if not len(result) and not result.ended_by:
        raise DataError(f"{source.name} has no frame after {start:g} s: there is nothing to track.")
    return result


def _run(
    steps: Iterator[tuple[Step, ...]], result: TrackResult, sinks: Sequence[Sink], outputs: Outputs
) -> None:
    saved = time.monotonic()
    for now in steps:
        result.add(now)
        wanted = [sink(now, result) for sink in sinks]
        if not all(wanted):
            raise KeyboardInterrupt
        if time.monotonic() - saved > SAVE_SECONDS:
            save_boxes(result, outputs)
            saved = time.monotonic()


def save_boxes(result: TrackResult, outputs: Outputs) -> None:
    """Write the boxes of all frames so far, if there are any and they are wanted."""
    if len(result) and outputs.boxes is not None:
        save_result(outputs.boxes, result, outputs.layout)


def _with_what_is_kept(
    error: HoldfastError, result: TrackResult, outputs: Outputs
) -> HoldfastError:
    """Add to a failure's sentence how much was tracked before, and where it is."""
    overlay = None if isinstance(error, DiskError) else outputs.overlay
    files = [str(path) for path in (outputs.boxes, overlay) if path is not None]
    if not len(result) or not files:
        return error
    frames = f"{len(result)} frame{'s were' if len(result) != 1 else ' was'}"
    return type(error)(f"{error} {frames} tracked before: kept in {' and '.join(files)}.")


class _Overlay:
    """Draws every frame into the overlay, and finishes the file whatever ended the run."""

    def __init__(self, outputs: Outputs, source: Source) -> None:
        self._outputs, self._source = outputs, source
        self._stack = ExitStack()
        self._writer: VideoWriter | None = None
        self._image: Image | None = None

    def __call__(self, steps: tuple[Step, ...], result: TrackResult) -> bool:
        """Draw one frame; a damaged one shows the last image."""
        path = self._outputs.overlay
        if path is None:
            return True
        if steps[0].image is not None:
            self._image = steps[0].image
        assert self._image is not None, "the first frame is never damaged"
        image = draw_steps(self._image, steps, result.prompts, self._outputs.lost_score)
        if self._writer is None:
            self._writer = self._stack.enter_context(video_writer(path, self._source))
        try:
            self._writer.write(image, steps[0].time)
        except av.error.FFmpegError as error:
            failure = DiskError(f"{path} could not be written ({error}): free some space.")
            with suppress(DiskError):
                self._stack.__exit__(DiskError, failure, None)
            raise failure from error
        return True

    def close(self) -> None:
        """Finish the file; it is not there if no frame was drawn, or if writing failed."""
        self._stack.close()


def draw_steps(
    image: Image, steps: Sequence[Step], prompts: Sequence[Prompt], lost_score: float
) -> Image:
    """Draw all objects on an image; several have colours and ids."""
    several = len(steps) > 1
    for index, (step, prompt) in enumerate(zip(steps, prompts, strict=True)):
        label = f"{index + 1}: {step.score:.2f}" if several else f"{step.score:.2f}"
        if step.present is not None:
            label += f" present {step.present:.2f}"
        label += " lost" if step.lost else ""
        text = f"{index + 1}: {prompt.text}" if several and prompt.text else prompt.text
        sure = step.score >= lost_score and not step.damaged and not step.lost
        image = draw_estimate(image, step.box, label, text, sure=sure, index=index)
    return image


@contextmanager
def terminations_raised() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` on SIGTERM and SIGHUP too, so that work is kept.

    Signals can be handled on the main thread only; elsewhere nothing changes.
    """
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[signal.Signals, Callable[..., object] | int | None] = {}

    def interrupt(number: int, _: object) -> None:
        raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")

    try:
        for name in names:
            before[signal.Signals[name]] = signal.signal(signal.Signals[name], interrupt)
    except ValueError:
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
