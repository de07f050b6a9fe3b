"""A window to draw the first box in, where a display exists."""

import os
import sys
from typing import Any

from holdfast.errors import ConfigError, MissingToolError
from vl_track.video.frames import Box, Image


def select_box(frame: Image) -> Box:
    """Open a window with the frame and let the user drag a box.

    Raises:
        MissingToolError: there is no display, or no toolkit matplotlib can open a window with.
        ConfigError: the window was closed without a box.
    """
    plt = open_pyplot("--select", "give --box x,y,w,h instead")
    from matplotlib.widgets import RectangleSelector  # noqa: PLC0415  (slow to import)

    figure, axes = plt.subplots()
    axes.imshow(frame)
    axes.set_title("drag a box around the object, then close the window")
    selector = RectangleSelector(axes, lambda *_: None, useblit=True, interactive=True)
    plt.show(block=True)
    x0, x1, y0, y1 = selector.extents
    plt.close(figure)
    if x1 - x0 < 1 or y1 - y0 < 1:
        raise ConfigError("No box was drawn: drag one around the object, or give --box x,y,w,h.")
    return float(x0), float(y0), float(x1 - x0), float(y1 - y0)


def open_pyplot(option: str, instead: str) -> Any:  # noqa: ANN401  (a module)
    """Return matplotlib's pyplot if it can open windows.

    Args:
        option: that needs it.
        instead: what the user can do without.

    Raises:
        MissingToolError: there is no display, or no toolkit matplotlib can open a window with.
    """
    if sys.platform.startswith("linux") and not _has_display():
        raise MissingToolError(f"{option} needs a display and this session has none: {instead}.")
    from matplotlib import pyplot as plt  # noqa: PLC0415  (slow to import)

    if plt.get_backend().lower() in {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}:
        raise MissingToolError(
            f"{option} needs a window toolkit for matplotlib (tkinter or Qt): install one, or "
            f"{instead}."
        )
    return plt


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
