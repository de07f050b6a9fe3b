"""Figures of an evaluation, as PNG bytes."""

import numpy as np
from matplotlib.figure import Figure

from holdfast.report.figures import COLOURS, as_png, new_figure
from vl_track.scoring.analysis import Analysis
from vl_track.scoring.curves import PIXEL_THRESHOLDS

LINES = ("-", "--", ":", "-.")


def success_plot(analysis: Analysis) -> bytes:
    """Draw the share of frames above each overlap; trackers in the order of their AUC."""
    return _curves(analysis, 0, analysis.rules.overlap_thresholds, "overlap threshold", "success")


def precision_plot(analysis: Analysis) -> bytes:
    """Draw the share of frames within each distance of the centres."""
    return _curves(analysis, 1, PIXEL_THRESHOLDS, "distance of centres, pixels", "precision")


def normalised_plot(analysis: Analysis) -> bytes:
    """Draw the share of frames within each distance in sides of the true box."""
    thresholds = analysis.rules.normalised_thresholds
    return _curves(analysis, 2, thresholds, "distance of centres, sides", "normalised precision")


def attribute_radar(analysis: Analysis) -> bytes:
    """Draw the AUC on every attribute as a radar; needs three attributes."""
    names = analysis.attributes
    angles = np.linspace(0, 2 * np.pi, len(names), endpoint=False)
    figure = Figure(figsize=(6.4, 5.6), dpi=130, layout="constrained")
    axes = figure.add_subplot(projection="polar")
    for place, one in enumerate(analysis.trackers):
        aucs = [one.scores.figures(analysis.with_attribute(name)).auc for name in names]
        colour, line = _style(place)
        axes.plot([*angles, angles[0]], [*aucs, aucs[0]], line, color=colour, label=one.tracker)
        axes.fill([*angles, angles[0]], [*aucs, aucs[0]], color=colour, alpha=0.06)
    axes.set_xticks(angles, [f"{name}\n({len(analysis.with_attribute(name))})" for name in names])
    axes.tick_params(labelsize=7)
    axes.tick_params(axis="x", pad=16)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.02, 1.08))
    return as_png(figure)


def _curves(analysis: Analysis, which: int, at: np.ndarray, label: str, what: str) -> bytes:
    figure, axes = new_figure()
    order = sorted(analysis.trackers, key=lambda one: -_legend_score(analysis, which, one.tracker))
    for one in order:
        place = [other.tracker for other in analysis.trackers].index(one.tracker)
        colour, line = _style(place)
        score = _legend_score(analysis, which, one.tracker)
        axes.plot(
            at,
            100 * one.scores.mean_curves()[which],
            line,
            color=colour,
            label=f"{one.tracker} [{score:.1f}]",
        )
    axes.set_xlabel(label)
    axes.set_ylabel(f"{what}, % of frames")
    axes.set_ylim(0, 101)
    axes.set_xlim(float(at[0]), float(at[-1]))
    axes.set_title(f"{analysis.dataset}, convention {analysis.rules.title}", fontsize=8)
    axes.legend(frameon=False, fontsize=8)
    return as_png(figure)


def _legend_score(analysis: Analysis, which: int, tracker: str) -> float:
    figures = next(one.figures for one in analysis.trackers if one.tracker == tracker)
    return (figures.auc, figures.precision, figures.normalised_precision)[which]


def _style(place: int) -> tuple[str, str]:
    return COLOURS[place % len(COLOURS)], LINES[place // len(COLOURS) % len(LINES)]
