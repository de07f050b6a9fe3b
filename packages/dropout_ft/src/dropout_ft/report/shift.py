"""Which rate gains how much, against how far the domain left out lies from those trained on.

The paper expects the best rate to fall as data grows and as the shift shrinks; its figures show one
curve for each data set. Here every domain left out, in every variant of a sweep, is a place on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from dropout_ft.report.figures import LINES, colour_of, legend_below, mark_of
from dropout_ft.report.names import method_name
from dropout_ft.report.results import Result
from dropout_ft.report.table import erm_partners
from holdfast.report.figures import as_png, new_figure


@dataclass(frozen=True, kw_only=True)
class Place:
    """The gain of one rate on one test case of one variant, means over seeds, in points.

    Attributes:
        label: of the variant; empty for the plain method.
        test_name: the domains left out.
        dropout_rate: above 0.
        distance: i.i.d. minus o.o.d. accuracy of ERM there.
        gain: o.o.d. accuracy minus that of ERM with the same seed.
        count: pairs.
    """

    label: str
    test_name: str
    dropout_rate: float
    distance: float
    gain: float
    count: int


def places(results: Sequence[Result]) -> list[Place]:
    """Return a place for each variant, test case and rate of plain fine-tuning with dropout."""
    groups: dict[tuple[str, str, float], list[tuple[float, float]]] = {}
    for result in results:
        if result.method != "run" or result.coordinates.objective != "ERM" or result.is_erm:
            continue
        partners = erm_partners(result, results)
        if partners:
            distance = float(np.mean([erm.iid - erm.ood for erm in partners]))
            gain = result.ood - float(np.mean([erm.ood for erm in partners]))
            key = (result.label, result.test_name, result.dropout_rate)
            groups.setdefault(key, []).append((distance, gain))
    return [
        Place(
            label=label,
            test_name=test_name,
            dropout_rate=rate,
            distance=100 * float(np.mean([distance for distance, _ in pairs])),
            gain=100 * float(np.mean([gain for _, gain in pairs])),
            count=len(pairs),
        )
        for (label, test_name, rate), pairs in sorted(groups.items())
    ]


def gain_by_distance(results: Sequence[Result]) -> bytes | None:
    """Draw the gain of every rate against the distance of the shift, a line for each variant.

    Returns:
        PNG bytes, or None with fewer than two distances: there is no curve then.
    """
    found = places(results)
    if len({(place.label, place.test_name) for place in found}) < 2:
        return None
    figure, axes = new_figure()
    rates = sorted({result.dropout_rate for result in results})
    labels = sorted({place.label for place in found})
    for style, label in zip(cycle(LINES), labels, strict=False):
        for rate in sorted({place.dropout_rate for place in found if place.label == label}):
            own = [p for p in found if p.label == label and p.dropout_rate == rate]
            own.sort(key=lambda place: place.distance)
            axes.plot(
                [place.distance for place in own],
                [place.gain for place in own],
                marker=mark_of(rate, rates),
                linestyle=style,
                color=colour_of(rate, rates),
                label=method_name("run", rate, label),
            )
    for label, name in sorted({(place.label, place.test_name) for place in found}):
        own = [p for p in found if (p.label, p.test_name) == (label, name)]
        top = max(own, key=lambda place: place.gain)
        axes.annotate(
            name, (top.distance, top.gain), fontsize=6, xytext=(0, 5), textcoords="offset points"
        )
    axes.axhline(0, color="black", linewidth=1)
    axes.set_xlabel("distance of the shift: i.i.d. minus o.o.d. accuracy of ERM, points")
    axes.set_ylabel("o.o.d. gain over ERM, points")
    legend_below(axes)
    return as_png(figure)
