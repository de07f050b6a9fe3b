"""The figure of the curve: gains and best rates over distance and number of training images."""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Transform, offset_copy
from rich.table import Table

from dropout_ft.report.curve import Place, rank_correlation
from dropout_ft.report.figures import LINES, colour_of, legend_below, mark_of
from dropout_ft.report.names import method_name
from dropout_ft.report.table import half_interval, with_error
from holdfast.report.figures import as_png, new_figure

Value = Callable[[Place], float]
DISTANCE = "distance of the shift: i.i.d. minus o.o.d. accuracy of ERM, points"
IMAGES = "training images"


def curve_figure(found: Sequence[Place]) -> bytes | None:
    """Draw gains (above) and best rates (below) against the distance and the number of images.

    Lines join the domains left out of one method, budget and data set on the left, and the budgets
    of one domain left out on the right. A bar beside a best rate spans those not told apart from
    it.

    Returns:
        PNG bytes, or None with fewer than two places: there is no curve then.
    """
    columns = _columns(found)
    if not columns:
        return None
    figure, _ = new_figure()
    figure.clear()
    figure.set_size_inches(5.6 * len(columns), 6.0)
    panels = figure.subplots(2, len(columns), sharex="col", sharey="row", squeeze=False)
    rates = sorted({rate for place in found for rate in place.gains})
    for number, (name, value, series) in enumerate(columns):
        shown = [place for place in found if np.isfinite(value(place))]
        _gains(panels[0][number], shown, value, series, rates)
        _best(panels[1][number], shown, value, named=number == 0)
        panels[1][number].set_xlabel(name)
        if name == IMAGES:
            _image_ticks(panels[1][number], [value(place) for place in shown])
    panels[0][0].set_ylabel("o.o.d. gain over ERM, points")
    panels[1][0].set_ylabel("best dropout rate")
    for axes in panels.flat:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    legend_below(panels[0][0])
    return as_png(figure)


def _columns(found: Sequence[Place]) -> list[tuple[str, Value, Callable[[Place], Any]]]:
    """Return name, value and what a line joins of each column that has two values or more."""
    candidates: list[tuple[str, Value, Callable[[Place], Any]]] = [
        (DISTANCE, lambda place: place.distance, lambda p: (p.data, p.budget, p.label, p.recipe)),
        (IMAGES, _images, lambda place: (place.data, place.left_out)),
    ]
    return [
        column
        for column in candidates
        if len({column[1](place) for place in found if np.isfinite(column[1](place))}) > 1
    ]


def _images(place: Place) -> float:
    return float(place.train_images) if place.train_images else float("nan")


def _gains(
    axes: Axes, shown: Sequence[Place], value: Value, series: Callable[[Place], Any],
    rates: Sequence[float],
) -> None:  # fmt: skip
    styles = dict(zip(dict.fromkeys(map(series, shown)), cycle(LINES), strict=False))
    named = set[float]()
    for one, style in styles.items():
        for rate in rates[1:]:
            own = [place for place in shown if series(place) == one and rate in place.gains]
            own.sort(key=value)
            if not own:
                continue
            shift = 2.0 * (rates.index(rate) - len(rates) / 2)  # bars of one place side by side
            means = np.array([place.mean(rate) for place in own])
            halves = np.nan_to_num([place.interval(rate) for place in own])
            places = [value(place) for place in own]
            axes.errorbar(
                places, means, yerr=halves, marker=mark_of(rate, rates), linestyle=style,
                color=colour_of(rate, rates), capsize=2, elinewidth=0.8, markersize=4, linewidth=1,
                transform=_moved(axes, shift),
                label=None if rate in named else method_name("run", rate),
            )  # fmt: skip
            # Matplotlib does not see the limits of what is drawn with a transform of its own.
            for ends in (means - halves, means + halves):
                axes.update_datalim(np.column_stack([places, ends]))
            named.add(rate)
    axes.autoscale_view()
    axes.axhline(0, color="black", linewidth=1)


def _moved(axes: Axes, points: float) -> Transform:
    return offset_copy(axes.transData, axes.get_figure(root=True), x=points, units="points")


def _best(axes: Axes, shown: Sequence[Place], value: Value, *, named: bool) -> None:
    """Draw the best rates; places are named once, on the left, where they lie apart."""
    for place in shown:
        axes.vlines(value(place), place.rivals[0], place.rivals[-1], color="0.6", linewidth=3)
        axes.plot(value(place), place.best, "o", color="black", markersize=4)
        if not named:
            continue
        extra = str(place.train_images) if place.train_images else place.label
        name = place.left_out.replace("_", " ")
        axes.annotate(
            f"{name}, {extra}" if extra else name,
            (value(place), place.best),
            fontsize=6,
            rotation=25,
            xytext=(3, 3),
            textcoords="offset points",
        )
    axes.set_ylim(-0.05, 1.05)


def _image_ticks(axes: Axes, values: Sequence[float]) -> None:
    axes.set_xscale("log")
    ticks: list[float] = []
    for one in sorted(set(values)):
        if not ticks or one > 1.06 * ticks[-1]:  # closer ones would be written over each other
            ticks.append(one)
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks], fontsize=7, rotation=45)
    axes.minorticks_off()


def curve_table(found: Sequence[Place], lead: tuple[float, float]) -> Table:
    """Return a table for a terminal: a row for each place.

    Args:
        found: places.
        lead: two rates whose difference has a column.
    """
    rates = sorted({rate for place in found for rate in place.gains if rate})
    table = Table(title="Gain over ERM by shift, points (± is the 95 % interval over seeds)")
    names = ["left out", "images", "distance", *(f"{rate:g}" for rate in rates), "best",
             "not told apart", f"{lead[0]:g} minus {lead[1]:g}", "n"]  # fmt: skip
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number == 0 else "right")
    for place in found:
        name = f"{place.left_out}, {place.label}" if place.label else place.left_out
        counts = sorted({len(gains) for rate, gains in place.gains.items() if rate})
        table.add_row(
            name, str(place.train_images or "-"),
            with_error(place.distance, half_interval(list(place.distances.values()))),
            *(with_error(place.mean(rate), place.interval(rate), signed=True)
              if rate in place.gains else "-" for rate in rates),
            f"{place.best:g}", " ".join(f"{rate:g}" for rate in place.rivals),
            with_error(*place.lead(*lead), signed=True),
            "-".join(map(str, dict.fromkeys((counts[0], counts[-1])))),
        )  # fmt: skip
    return table


def curve_sentences(found: Sequence[Place], lead: tuple[float, float]) -> list[str]:
    """Say how the best rate, and the difference of two rates, go with distance and images."""
    leads = [place.lead(*lead)[0] for place in found]
    what = {
        "the best rate": [place.best for place in found],
        f"the gain of rate {lead[0]:g} minus that of {lead[1]:g}": leads,
    }
    against = {"the distance": [place.distance for place in found],
               "the number of training images": [_images(place) for place in found]}  # fmt: skip
    sentences = []
    for name, values in what.items():
        for other, places in against.items():
            rho = rank_correlation(values, places)
            if np.isfinite(rho):
                sentences.append(f"Rank correlation of {name} with {other}: {rho:+.2f}.")
    return sentences
