"""Plots of an evaluation, as PNG bytes."""

import numpy as np
from matplotlib.figure import Figure

from holdfast.report.figures import COLOURS, as_png
from vl_track.scoring.analysis import Analysis
from vl_track.scoring.curves import Curve

LINES = ("-", "--", ":", "-.")
MARGINS = (0.125, 0.14, 0.85, 0.765)
"""Left, bottom, width and height of the axes; a fixed layout is drawn once, others twice."""
WIDTH = 4.8
"""Inches: on a phone 390 pixels wide the words come out at 8 to 9 pixels."""
COLUMNS = 2
"""Trackers in a line of the radar's legend."""
WORDS = 8.5
"""Points of the words in a figure."""


def curve_plot(analysis: Analysis, curve: Curve) -> bytes:
    """Draw the fraction of frames that pass each threshold; trackers in the order of their score.

    Args:
        analysis: of the trackers.
        curve: one of the metrics that the convention has.
    """
    thresholds = curve.thresholds(analysis.rules)
    figure = Figure(figsize=(WIDTH, 3.6), dpi=170)
    axes = figure.add_axes(MARGINS)
    axes.tick_params(labelsize=WORDS)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    ranked = sorted(enumerate(analysis.trackers), key=lambda pair: -pair[1].figures[curve.legend])
    for index, one in ranked:
        colour, line = _style(index)
        label = f"{one.tracker} [{one.figures[curve.legend]:.1f}]"
        mean = 100 * one.scores.mean_curves()[curve.name]
        axes.plot(thresholds, mean, line, color=colour, label=label)
    axes.set_xlabel(curve.axis, fontsize=WORDS)
    axes.set_ylabel(f"{curve.name.replace('_', ' ')}, % of frames", fontsize=WORDS)
    axes.set_ylim(0, 101)
    axes.set_xlim(float(thresholds[0]), float(thresholds[-1]))
    rules = analysis.rules.title.split(": ")[0]  # what it means stands on the page
    axes.set_title(f"{analysis.dataset}, convention {rules}", fontsize=WORDS)
    axes.legend(frameon=False, fontsize=WORDS)
    return as_png(figure)


def attribute_radar(analysis: Analysis) -> bytes:
    """Draw the AUC on every attribute as a radar; needs three attributes."""
    names = analysis.attributes
    angles = np.linspace(0, 2 * np.pi, len(names), endpoint=False)
    chosen = [analysis.with_attribute(name) for name in names]
    lines = -(-len(analysis.trackers) // COLUMNS)
    height = 4.5 + 0.2 * lines
    figure = Figure(figsize=(WIDTH, height), dpi=170)
    axes = figure.add_axes((0.2, 1 - 3.9 / height, 0.6, 3.3 / height), projection="polar")
    for index, one in enumerate(analysis.trackers):
        aucs = [one.scores.auc(some) for some in chosen]
        colour, line = _style(index)
        axes.plot([*angles, angles[0]], [*aucs, aucs[0]], line, color=colour, label=one.tracker)
        axes.fill([*angles, angles[0]], [*aucs, aucs[0]], color=colour, alpha=0.06)
    labels = [f"{name}\n({len(some)})" for name, some in zip(names, chosen, strict=True)]
    axes.set_xticks(angles, labels)
    axes.tick_params(labelsize=WORDS - 1)
    axes.tick_params(axis="x", pad=16)
    axes.set_ylim(bottom=0)
    figure.legend(frameon=False, fontsize=WORDS, loc="lower center", ncols=COLUMNS)
    return as_png(figure)


def _style(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], LINES[index // len(COLOURS) % len(LINES)]
