"""Figures that compare methods: bars of all of them, accuracy against cost, rate of the head."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from dropout_ft.report.figures import colour_of, legend_below, marker_of
from dropout_ft.report.names import method_name
from dropout_ft.report.results import Result
from dropout_ft.report.table import Row, standard_error
from holdfast.report.figures import COLOURS, as_png, new_figure

HEAD_RATE = 10.0


def method_bars(rows: Sequence[Row]) -> bytes:
    """Draw every method's gain over ERM with its standard error, best first; ERM is the line."""
    shown = [row for row in rows if not np.isnan(row.gain) and not row.erm]
    shown.sort(key=lambda row: row.gain)
    figure, axes = new_figure()
    figure.set_size_inches(6.4, max(3.8, 0.2 * len(shown) + 0.8))
    dropout_rates = sorted({row.dropout_rate for row in rows})
    axes.barh(
        [row.name for row in shown],
        [row.gain for row in shown],
        xerr=[np.nan_to_num(row.gain_error) for row in shown],
        color=[colour_of(row.dropout_rate, dropout_rates) for row in shown],
        capsize=2,
    )
    axes.axvline(0, color="black", linewidth=1)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlabel("o.o.d. gain over ERM, points")
    return as_png(figure)


def cost_panels(rows: Sequence[Row]) -> bytes:
    """Draw o.o.d. accuracy against what training cost, and against what a prediction costs."""
    figure, _ = new_figure()
    figure.clear()
    figure.set_size_inches(6.4, 3.6)
    left, right = figure.subplots(1, 2, sharey=True)
    dropout_rates = sorted({row.dropout_rate for row in rows})
    gpu = any(row.gpu_seconds > 0 for row in rows)
    training = [row.gpu_seconds if gpu else row.train_seconds for row in rows]
    _points(left, rows, training, dropout_rates)
    _points(right, rows, [row.networks for row in rows], dropout_rates)
    left.set_xlabel("GPU-seconds of one result" if gpu else "training wall time of one result, s")
    left.set_ylabel("o.o.d. accuracy, %")
    right.set_xlabel("networks a prediction runs through")
    legend_below(right)
    return as_png(figure)


def head_rate(results: Sequence[Result]) -> bytes | None:
    """Draw the runs with ten times the learning rate at the head beside those with one (Fig. 6).

    Returns:
        PNG bytes, or None where only one of the two was run.
    """
    own = [r for r in results if r.method == "run" and r.coordinates.objective == "ERM"]
    tenfold = [r for r in own if r.coordinates.head_lr_factor == HEAD_RATE]
    budgets = {r.coordinates.budget for r in tenfold}
    once = [
        r
        for r in own
        if r.coordinates.head_lr_factor == 1.0 and not r.label and r.coordinates.budget in budgets
    ]
    if not tenfold or not once:
        return None
    bars = {"1x head rate": once}
    for result in tenfold:
        bars.setdefault(result.label or f"{HEAD_RATE:g}x head rate", []).append(result)
    dropout_rates = sorted({r.dropout_rate for r in tenfold})
    figure, axes = new_figure()
    for number, (label, like) in enumerate(bars.items()):
        values = [
            [100 * r.ood for r in like if r.dropout_rate == dropout_rate]
            for dropout_rate in dropout_rates
        ]
        axes.bar(
            np.arange(len(dropout_rates)) + (number - (len(bars) - 1) / 2) * 0.7 / len(bars),
            [float(np.mean(v)) if v else np.nan for v in values],
            0.7 / len(bars),
            yerr=[np.nan_to_num(standard_error(v)) for v in values],
            color=COLOURS[number % len(COLOURS)],
            capsize=3,
            label=label,
        )
    axes.set_xticks(
        np.arange(len(dropout_rates)),
        [method_name("run", dropout_rate) for dropout_rate in dropout_rates],
    )
    axes.set_ylabel("o.o.d. accuracy, %")
    legend_below(axes)
    return as_png(figure)


def _points(
    axes: Axes, rows: Sequence[Row], costs: Sequence[float], dropout_rates: list[float]
) -> None:
    for row, cost in zip(rows, costs, strict=True):
        axes.scatter(
            cost,
            row.ood,
            marker=marker_of(row.method),
            color=colour_of(row.dropout_rate, dropout_rates),
            s=40,
            label=row.name,
        )
    axes.set_xlim(0, 1.1 * max(costs) + 0.1)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
