"""A progress bar over the frames of a source."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vl_track.tracking.result import TrackResult
from vl_track.tracking.steps import Step
from vl_track.tracking.video import Sink
from vl_track.video.source import Source


@contextmanager
def progress_bar(source: Source, start: float, max_frames: int | None) -> Iterator[Sink]:
    """Show how far a source is tracked, where the error output is a terminal."""
    total = max(0, source.count - round(start * source.rate)) if source.count else max_frames
    if total is not None and max_frames is not None:
        total = min(total, max_frames)
    columns = (
        TextColumn("tracking"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f} FPS"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("tracking", total=total, rate=0.0)

        def advance(steps: tuple[Step, ...], result: TrackResult) -> bool:
            seconds = sum(step.seconds for step in steps)
            progress.update(task, advance=1, rate=1 / seconds if seconds else 0.0)
            return True

        yield advance
