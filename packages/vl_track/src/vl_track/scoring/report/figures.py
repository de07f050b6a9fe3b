"""Plots of an evaluation, as PNG bytes."""

import numpy as np
from matplotlib.figure import Figure

from holdfast.report.figures import COLOURS, as_png
from vl_track.scoring.analysis import Analysis
from vl_track.scoring.curves import Curve

LINES = ("-", "--", ":", "-.")
MARGINS = (0.1, 0.14, 0.87, 0.77)
"""Left, bottom, width and height of the axes; a fixed layout is drawn once, others twice."""


def curve_plot(analysis: Analysis, curve: Curve) -> bytes:
    """Draw the fraction of frames that pass each threshold; trackers in the order of their score.

    Args:
        analysis: of the trackers.
        curve: one of the metrics that the convention has.
    """
    thresholds = curve.thresholds(analysis.rules)
    figure = Figure(figsize=(6.4, 3.8), dpi=130)
    axes = figure.add_axes(MARGINS)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    ranked = sorted(enumerate(analysis.trackers), key=lambda pair: -pair[1].figures[curve.legend])
    for index, one in ranked:
        colour, line = _style(index)
        label = f"{one.tracker} [{one.figures[curve.legend]:.1f}]"
        mean = 100 * one.scores.mean_curves()[curve.name]
        axes.plot(thresholds, mean, line, color=colour, label=label)
    axes.set_xlabel(curve.axis)
    axes.set_ylabel(f"{curve.name.replace('_', ' ')}, % of frames")
    axes.set_ylim(0, 101)
    axes.set_xlim(float(thresholds[0]), float(thresholds[-1]))
    axes.set_title(f"{analysis.dataset}, convention {analysis.rules.title}", fontsize=8)
    axes.legend(frameon=False, fontsize=8)
    return as_png(figure)


def attribute_radar(analysis: Analysis) -> bytes:
    """Draw the AUC on every attribute as a radar; needs three attributes."""
    names = analysis.attributes
    angles = np.linspace(0, 2 * np.pi, len(names), endpoint=False)
    chosen = [analysis.with_attribute(name) for name in names]
    figure = Figure(figsize=(6.4, 5.6), dpi=130)
    axes = figure.add_axes((0.2, 0.14, 0.56, 0.7), projection="polar")
    for index, one in enumerate(analysis.trackers):
        aucs = [one.scores.auc(some) for some in chosen]
        colour, line = _style(index)
        axes.plot([*angles, angles[0]], [*aucs, aucs[0]], line, color=colour, label=one.tracker)
        axes.fill([*angles, angles[0]], [*aucs, aucs[0]], color=colour, alpha=0.06)
    labels = [f"{name}\n({len(some)})" for name, some in zip(names, chosen, strict=True)]
    axes.set_xticks(angles, labels)
    axes.tick_params(labelsize=7)
    axes.tick_params(axis="x", pad=16)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.02, 1.08))
    return as_png(figure)


def _style(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], LINES[index // len(COLOURS) % len(LINES)]
