"""A window that shows what is tracked, where a display exists."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vl_track.tracking.result import TrackResult
from vl_track.tracking.steps import Step
from vl_track.tracking.video import Sink, draw_steps
from vl_track.video.selecting import open_pyplot


@contextmanager
def live_window(title: str) -> Iterator[Sink]:
    """Show every frame as it is tracked; closing the window ends the run.

    Raises:
        MissingToolError: there is no display, or no toolkit matplotlib can open a window with.
    """
    plt = open_pyplot("--show", "write a video with --out instead")
    figure, axes = plt.subplots()
    axes.set_axis_off()
    figure.canvas.manager.set_window_title(title)
    shown: list[Any] = []

    def show(steps: tuple[Step, ...], result: TrackResult) -> bool:
        image = steps[0].image
        if image is not None:
            drawn = draw_steps(image, steps, result.prompts, 0.0)
            if shown:
                shown[0].set_data(drawn)
            else:
                shown.append(axes.imshow(drawn))
            plt.pause(0.001)
        return bool(plt.fignum_exists(figure.number))

    try:
        yield show
    finally:
        plt.close(figure)
