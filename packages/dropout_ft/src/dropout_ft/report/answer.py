"""The sentence at the top of a report: what very large dropout gains, and what its rivals do."""

import math
from collections.abc import Sequence

from dropout_ft.methods.base import ZERO_SHOT
from dropout_ft.report.table import Row


def answer(rows: Sequence[Row]) -> str:
    """Return what one run with dropout gains over ERM, beside ERM's best ensemble or average.

    The dropout rate named is that with the highest gain. A gain whose 95 % interval holds zero is
    not called one.

    Args:
        rows: of the table.

    Returns:
        One or two sentences; empty where there is not exactly one ERM, or no run with dropout
        beside it.
    """
    erms = [row for row in rows if row.erm]
    if len(erms) != 1:
        return ""
    tried = [
        row
        for row in rows
        if row.method == "run"
        and row.dropout_rate > 0
        and row.label == erms[0].label
        and row.gain == row.gain
    ]
    if not tried:
        return ""
    best = max(tried, key=lambda row: row.gain)
    return " ".join(
        part for part in (_own(best, erms[0], len(tried)), _rivals(rows, erms[0].label)) if part
    )


def _own(best: Row, erm: Row, tried: int) -> str:
    name = f"dropout {best.dropout_rate:g}"
    among = f" (the best of {tried} rates)" if tried > 1 else ""
    half = best.gain_interval
    if math.isnan(half):
        return (
            f"One run with {name}{among} differs by {best.gain:+.1f} points from ordinary "
            f"fine-tuning (ERM, {erm.ood:.1f} %) on the data left out: a single result, so that "
            "chance is not told apart."
        )
    if abs(best.gain) <= half:
        return (
            f"No gain over ordinary fine-tuning (ERM, {erm.ood:.1f} %) can be told from chance on "
            f"the data left out: one run with {name}{among} differs by {best.gain:+.1f} ± "
            f"{half:.1f} points (95 % interval)."
        )
    more = "more" if best.gain > 0 else "less"
    return (
        f"One run with {name}{among} is {abs(best.gain):.1f} ± {half:.1f} points (95 % interval) "
        f"{more} accurate on the data left out than ordinary fine-tuning (ERM, {erm.ood:.1f} %)."
    )


def _rivals(rows: Sequence[Row], label: str) -> str:
    """Say what the best ensemble, average or soup of ERM runs gains."""
    rivals = [
        row
        for row in rows
        if row.dropout_rate == 0
        and row.method not in {"run", ZERO_SHOT}
        and row.label == label
        and row.gain == row.gain
    ]
    if not rivals:
        return ""
    best = max(rivals, key=lambda row: row.gain)
    half = "" if math.isnan(best.gain_interval) else f" ± {best.gain_interval:.1f}"
    name = f"ERM's {best.method}"
    if len(rivals) > 1:
        name = f"the best of {len(rivals)} ensembles and averages of ERM, {best.method},"
    return f"For comparison, {name} differs by {best.gain:+.1f}{half} points."
