"""The figures of the report, as PNG bytes."""

import math
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.markers import MarkerStyle

from dropout_ft.methods.registry import all_methods
from dropout_ft.report.clouds import cloud
from dropout_ft.report.names import run_name
from dropout_ft.report.results import PART_KEYS, Collection, Result
from dropout_ft.report.table import standard_error
from dropout_ft.results.run import Run
from dropout_ft.results.scores import TestPart
from holdfast.report.figures import COLOURS, as_png, new_figure

LINES = ("-", "--", ":", "-.")
HATCHES = ("", "//", "..", "xx")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
LONG_LABEL, LEGEND_ROW = 26, 0.2
"""Characters of a label that takes a row of its own; the height of a row in inches."""


def colour_of(dropout_rate: float, dropout_rates: Sequence[float]) -> str:
    """Return the colour of a rate, the same in every figure."""
    return COLOURS[sorted(dropout_rates).index(dropout_rate) % len(COLOURS)]


def mark_of(dropout_rate: float, dropout_rates: Sequence[float]) -> str:
    """Return the mark of a rate on a line, so that colour is not all that tells rates apart."""
    return MARKS[sorted(dropout_rates).index(dropout_rate) % len(MARKS)]


def filling_of(
    dropout_rate: float, dropout_rates: Sequence[float], marker: str = "o"
) -> dict[str, Any]:
    """Return how points of a rate are drawn: hollow for ERM, the wider an edge the higher.

    Markers made of lines have no inside: they get the colour alone.
    """
    colour = colour_of(dropout_rate, dropout_rates)
    if marker not in MarkerStyle.filled_markers:
        return {"color": colour}
    if dropout_rate == 0:
        return {"facecolors": "none", "edgecolors": colour}
    width = 1.2 * sorted(dropout_rates).index(dropout_rate)
    return {"facecolors": colour, "edgecolors": "black", "linewidths": width - 1.0}


def marker_of(method: str) -> str:
    """Return the marker of a method, the same in every figure."""
    return all_methods()[method].marker


def grouped(results: Sequence[Result]) -> list[list[Result]]:
    """Return the results that may share a mean together, in the order of tables."""
    groups: dict[Any, list[Result]] = {}
    for result in results:
        groups.setdefault(result.key, []).append(result)
    order = {name: place for place, name in enumerate(all_methods())}
    return sorted(
        groups.values(), key=lambda g: (order[g[0].method], g[0].dropout_rate, g[0].label)
    )


def scatter(results: Sequence[Result]) -> bytes:
    """Draw i.i.d. against o.o.d. accuracy, one point for each result (paper Fig. 2)."""
    figure, axes = new_figure()
    dropout_rates = sorted({r.dropout_rate for r in results})
    for own in grouped(results):
        first = own[0]
        axes.scatter(
            [100 * r.iid for r in own],
            [100 * r.ood for r in own],
            marker=marker_of(first.method),
            **filling_of(first.dropout_rate, dropout_rates, marker_of(first.method)),
            alpha=0.8,
            s=42,
            label=first.name,
        )
    axes.set_xlabel("i.i.d. accuracy, %")
    axes.set_ylabel("o.o.d. accuracy, %")
    legend_below(axes)
    return as_png(figure)


def clouds(results: Sequence[Result]) -> tuple[str, bytes]:
    """Draw every method's cloud of hyper-parameter combinations and its mean (paper Fig. 2).

    Returns:
        A caption that says what is drawn, and PNG bytes. Means are drawn where a method has several
        combinations, as one point is its own mean.
    """
    figure, axes = new_figure()
    means = 0
    dropout_rates = sorted({r.dropout_rate for r in results})
    for own in grouped(results):
        first = own[0]
        points = 100 * cloud(own)
        marker, colour = marker_of(first.method), colour_of(first.dropout_rate, dropout_rates)
        axes.scatter(
            points[:, 0],
            points[:, 1],
            marker=marker,
            color=colour,
            alpha=0.6,
            s=24,
            label=first.name,
        )
        if len(points) > 1:
            means += 1
            middle = points.mean(0)
            axes.scatter(middle[0], middle[1], marker=marker, color="black", s=36)
    axes.set_xlabel("i.i.d. accuracy, %, mean over test domains")
    axes.set_ylabel("o.o.d. accuracy, %, mean over test domains")
    legend_below(axes)
    caption = "The same averaged over test domains: " + (
        "every combination of hyper-parameters, means in black"
        if means
        else "a point for each method, as none has several hyper-parameters"
    )
    return caption, as_png(figure)


def rate_curve(results: Sequence[Result]) -> bytes:
    """Draw mean accuracy against the dropout rate, with standard errors (paper Fig. 3)."""
    figure, axes = new_figure()
    for style, (label, own) in zip(cycle(LINES), families(results).items(), strict=False):
        dropout_rates = sorted({r.dropout_rate for r in own})
        for attribute, name, colour in (
            ("iid", "i.i.d.", COLOURS[0]),
            ("ood", "o.o.d.", COLOURS[2]),
        ):
            values = [
                [100 * float(getattr(r, attribute)) for r in own if r.dropout_rate == x]
                for x in dropout_rates
            ]
            means = [float(np.mean(v)) for v in values]
            errors = [np.nan_to_num(standard_error(v)) for v in values]
            axes.errorbar(
                dropout_rates, means, yerr=errors, marker="o", linestyle=style, capsize=3,
                label=", ".join(word for word in (name, label) if word), color=colour,
            )  # fmt: skip
    axes.set_xlabel("dropout rate on the representation")
    axes.set_ylabel("accuracy, %")
    legend_below(axes)
    return as_png(figure)


def domain_bars(results: Sequence[Result]) -> bytes:
    """Draw the o.o.d. accuracy of every rate of every method on each domain left out."""
    figure, axes = new_figure()
    shown = families(results)
    hatches = dict(zip(shown, cycle(HATCHES), strict=False))
    bars = [
        (label, rate, [r for r in own if r.dropout_rate == rate])
        for label, own in shown.items()
        for rate in sorted({r.dropout_rate for r in own})
    ]
    names = sorted({r.test_name for _, _, own in bars for r in own})
    dropout_rates = sorted({rate for _, rate, _ in bars})
    width = 0.8 / len(bars)
    for number, (label, dropout_rate, own) in enumerate(bars):
        values = [[100 * r.ood for r in own if r.test_name == name] for name in names]
        axes.bar(
            np.arange(len(names)) + (number - (len(bars) - 1) / 2) * width,
            [float(np.mean(v)) if v else np.nan for v in values],
            width,
            yerr=[np.nan_to_num(standard_error(v)) for v in values],
            color=colour_of(dropout_rate, dropout_rates),
            hatch=hatches[label],
            capsize=2,
            label=own[0].name,
        )
    axes.set_xticks(np.arange(len(names)), names)
    axes.set_ylabel("o.o.d. accuracy, %")
    legend_below(axes)
    return as_png(figure)


def learning_curves(collection: Collection, part: TestPart = "whole") -> bytes:
    """Draw the mean o.o.d. accuracy of every rate of every method against the step.

    A step counts for a rate where all its runs evaluated the domains left out there.
    """
    key = PART_KEYS[part]
    figure, axes = new_figure()
    groups: dict[tuple[str, float], list[Run]] = {}
    for run in collection.runs:
        where = (collection.label_of(run), run.coordinates.dropout_rate)
        groups.setdefault(where, []).append(run)
    plain = {where: runs for where, runs in groups.items() if not where[0]}
    shown = plain or groups
    dropout_rates = sorted({rate for _, rate in shown})
    styles = dict(zip(dict.fromkeys(label for label, _ in shown), cycle(LINES), strict=False))
    for (label, dropout_rate), runs in sorted(shown.items()):
        curves = [
            {int(row["step"]): row[key] for row in run.along("current") if key in row}
            for run in runs
        ]
        steps = sorted(set.intersection(*(set(curve) for curve in curves)))
        means = [100 * float(np.mean([curve[step] for curve in curves])) for step in steps]
        axes.plot(
            steps, means, marker=mark_of(dropout_rate, dropout_rates), linestyle=styles[label],
            color=colour_of(dropout_rate, dropout_rates),
            label=run_name(runs[0].coordinates, label),
        )  # fmt: skip
    axes.set_xlabel("step")
    axes.set_ylabel("o.o.d. accuracy, %")
    legend_below(axes)
    return as_png(figure)


def families(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the runs themselves, without further methods, by what sets them apart (their label).

    Results of one label and one rate may share a mean. Where there are plain runs, only they are
    returned: figures of rates are about them.
    """
    found: dict[str, list[Result]] = {}
    for result in results:
        if result.method == "run":
            found.setdefault(result.label, []).append(result)
    return {"": found[""]} if "" in found else found


def legend_below(axes: Axes) -> None:
    """Put the legend under a figure, in letters that can be read on a phone."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    assert figure is not None
    columns = 1 if max(map(len, labels), default=0) > LONG_LABEL else 2
    rows = math.ceil(len(labels) / columns)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + LEGEND_ROW * rows)
    figure.legend(
        handles, labels, fontsize=9, frameon=False, loc="outside lower left", ncols=columns
    )
