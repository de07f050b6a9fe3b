"""``vl-track track``: follow an object through a video, a folder of pictures, or a camera."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import Box
from vl_track.data.video import Picture
from vl_track.loading import load_network
from vl_track.results import Layout, write_boxes
from vl_track.runtime import Precision, Runtime, device_for, on_runtime
from vl_track.tracking.tracker import Estimate, Tracker, TrackerOptions
from vl_track.video.reading import Source, open_source
from vl_track.video.selecting import select_box
from vl_track.video.writing import VideoWriter, draw_estimate, video_writer


@dataclass
class Journey:
    """What happened: one estimate a frame, and where the time went."""

    estimates: list[Estimate] = field(default_factory=list)
    damaged: int = 0
    tracking_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Frames a second of the tracker alone."""
        return len(self.estimates) / max(self.tracking_seconds, 1e-9)


def track(
    source: str,
    *,
    box: str | None = None,
    text: str = "",
    out: str | None = None,
    save: str | None = None,
    layout: Layout = "got10k",
    select: bool = False,
    weights: str | None = None,
    device: str | None = None,
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    max_frames: int | None = None,
    options: TrackerOptions | None = None,
) -> None:
    """Follow one object, told by a box in the first frame, a sentence, or both.

    Args:
        source: a video file, a folder of pictures, or ``camera`` (``camera:1``...).
        box: ``x,y,width,height`` in pixels of the first frame.
        text: a sentence about the object, for example "the red cup on the left".
        out: overlay video to write (.mp4, .mkv, .mov).
        save: boxes to write, one line a frame; by default ``NAME_boxes.txt`` if there is no
            ``out``.
        layout: of the boxes: ``got10k`` (comma, decimals), ``lasot`` (comma, whole) or
            ``pytracking`` (tab, truncated).
        select: draw the box in a window on the first frame.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, or, for one frame at a time on the CPU, ``onnx`` or ``openvino``.
        precision: ``float32``; ``bfloat16`` with OpenVINO, ``int8`` with ONNX Runtime.
        max_frames: stop after this many.
        options: of the tracker.
    """
    opened = open_source(source)
    if save is None and out is None:
        save = f"{opened.name}_boxes.txt"
    given = parse_box(box) if box is not None else None
    frames = _limited(opened.frames(), max_frames)
    first = _first(frames, opened)
    if select:
        given = select_box(first)
    if given is None and not text.strip():
        raise ConfigError('Nothing says what to follow: give --box x,y,w,h, --text "...", or both.')
    network = load_network(weights)
    for remark in network.text.remarks(text):
        sys.stderr.write(f"note: {remark}\n")
    tracker = Tracker(on_runtime(network, runtime, precision), options, device_for(runtime, device))
    with ExitStack() as stack:
        writer = stack.enter_context(video_writer(out, opened.rate)) if out else None
        total = min(opened.count or sys.maxsize, max_frames or sys.maxsize)
        journey = _follow(tracker, first, frames, given, text, writer, total)
    if save:
        write_boxes(save, [estimate.box for estimate in journey.estimates], layout)
    sys.stdout.write(summary(journey, [path for path in (save, out) if path]))


def parse_box(text: str) -> Box:
    """Read ``x,y,width,height``.

    Raises:
        ConfigError: not four numbers.
    """
    try:
        x, y, width, height = (float(part) for part in text.replace(" ", ",").split(",") if part)
    except ValueError as error:
        raise ConfigError(f"'{text}' is no box: give x,y,width,height in pixels.") from error
    return x, y, width, height


def summary(journey: Journey, written: list[str]) -> str:
    """Say how far it got, how fast, and what was written."""
    count = len(journey.estimates)
    scores = [estimate.score for estimate in journey.estimates[1:]] or [1.0]
    lines = [
        f"{count} frame{'s' if count != 1 else ''}, tracker {journey.rate:.1f} FPS, everything "
        f"{count / max(journey.seconds, 1e-9):.1f} FPS, mean score {np.mean(scores):.2f}"
    ]
    if journey.damaged:
        lines.append(
            f"{journey.damaged} damaged frame(s) could not be decoded; there the last box stands "
            "with score 0"
        )
    lines += [f"wrote {path}" for path in written]
    return "\n".join(lines) + "\n"


def _first(frames: Iterator[Picture | None], source: Source) -> Picture:
    first = next(frames, None)
    if first is None:
        raise DataError(
            f"The first frame of {source.name} cannot be decoded, so there is nothing to start "
            "from: cut the damaged beginning off."
        )
    return first


def _follow(
    tracker: Tracker,
    first: Picture,
    frames: Iterator[Picture | None],
    box: Box | None,
    text: str,
    writer: VideoWriter | None,
    total: int,
) -> Journey:
    journey = Journey()
    begun = time.perf_counter()
    columns = (
        TextColumn("tracking"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f} FPS"),
        TimeRemainingColumn(),
    )
    known = total if total < sys.maxsize else None
    with Progress(*columns, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("tracking", total=known, rate=0.0)
        frame: Picture | None = first
        try:
            while True:
                _step(tracker, journey, frame, box, text, writer)
                progress.update(task, advance=1, rate=journey.rate)
                frame = next(frames)
        except StopIteration:
            pass
        except KeyboardInterrupt:
            sys.stderr.write("stopped by the user; what was tracked is kept\n")
    journey.seconds = time.perf_counter() - begun
    return journey


def _step(
    tracker: Tracker,
    journey: Journey,
    frame: Picture | None,
    box: Box | None,
    text: str,
    writer: VideoWriter | None,
) -> None:
    """Handle one frame: start, follow, or repeat the last box where the frame is damaged."""
    if frame is None:
        journey.damaged += 1
        journey.estimates.append(Estimate(journey.estimates[-1].box, 0.0))
        return
    begun = time.perf_counter()
    estimate = tracker.track(frame) if journey.estimates else tracker.initialize(frame, box, text)
    journey.tracking_seconds += time.perf_counter() - begun
    journey.estimates.append(estimate)
    if writer is not None:
        sure = estimate.score >= tracker.options.lost_score
        writer.write(draw_estimate(frame, estimate.box, estimate.score, text, sure=sure))


def _limited(frames: Iterator[Picture | None], count: int | None) -> Iterator[Picture | None]:
    for number, frame in enumerate(frames):
        if count is not None and number >= count:
            return
        yield frame
