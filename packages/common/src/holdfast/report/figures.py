"""Figures of the reports: one look, PNG bytes that are the same for the same data."""

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#4c6a92", "#d9822b", "#b0364a", "#3c8d6b", "#7a5ea8", "#8a8a8a")


def new_figure() -> tuple[Figure, Axes]:
    """Return an empty figure with one set of axes."""
    figure = Figure(figsize=(5.2, 3.6), dpi=160, layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def as_png(figure: Figure) -> bytes:
    """Draw a figure to PNG bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
