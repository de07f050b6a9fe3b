"""The leaderboard as text, CSV and one self-contained HTML page."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from matplotlib.figure import Figure

from holdfast.report.figures import COLOURS, as_png
from holdfast.report.page import page_environment
from vl_track.scoring.analysis import Analysis
from vl_track.scoring.leaderboard import Agreement, Standing, agreements
from vl_track.scoring.report import tables

LINES = ("-", "--", ":", "-.")
MARKERS = "osD^vP*Xh"


def standings_table(analysis: Analysis, found: Sequence[Standing]) -> tables.Table:
    """Return a row of text a tracker: rank, interval of the rank, AUC, ranks of all toolkits."""
    toolkits = list(found[0].ranks)
    header = ["rank", "95 %", "tracker", f"AUC ({analysis.rules.name})", "95 %", "p to next",
              *(f"{title}: AUC (rank)" for title in toolkits), "FPS"]  # fmt: skip
    return [header, *(_row(one, toolkits) for one in found)]


def _row(one: Standing, toolkits: Sequence[str]) -> list[str]:
    scored = one.scored
    speed = scored.frames_per_second
    return [
        str(one.rank),
        f"{one.rank_low}-{one.rank_high}" if one.rank_low < one.rank_high else str(one.rank_low),
        scored.tracker,
        f"{scored.auc.mean:.2f}",
        f"{scored.auc.low:.1f}-{scored.auc.high:.1f}",
        "" if one.p_next is None else tables.p_value_text(one.p_next),
        *(f"{scored.by_convention[title]['auc']:.2f} ({one.ranks[title]})" for title in toolkits),
        "" if speed is None else f"{speed:.1f}",
    ]


def agreement_text(one: Agreement, most: int = 6) -> str:
    """Say in one sentence how alike two toolkits rank."""
    first, second = one.toolkits
    if not one.swapped:
        return f"{first} and {second} rank all trackers alike."
    named = ", ".join(f"{a} and {b}" for a, b in one.swapped[:most])
    more = ", ..." if len(one.swapped) > most else ""
    return (
        f"{first} and {second} order {len(one.swapped)} of {one.pairs} pairs differently: "
        f"{named}{more}."
    )


def agreement_texts(found: Sequence[Standing]) -> list[str]:
    """Return a sentence for each two toolkits that differ, and one for all where none do."""
    compared = agreements(found)
    if compared and not any(one.swapped for one in compared):
        return ["Every toolkit orders every two trackers alike."]
    return [agreement_text(one) for one in compared]


def summary(found: Sequence[Standing]) -> str:
    """Say how far the ranking depends on the convention, and how many places are sure."""
    moved = [one.scored.tracker for one in found if len(set(one.ranks.values())) > 1]
    sure = sum(one.rank_low == one.rank_high for one in found)
    places = f"{sure} of {len(found)} places stay the same in 95 % of resamplings of the sequences."
    if not found[0].ranks:
        return f"{tables.SOME_FRAMES} {places}"
    if not moved:
        return f"Every toolkit gives the same ranking. {places}"
    return (
        f"The place of {len(moved)} of {len(found)} trackers depends on the toolkit "
        f"({', '.join(moved[:6])}{', ...' if len(moved) > 6 else ''}). {places}"
    )


def lead(analysis: Analysis, found: Sequence[Standing]) -> str:
    """Say which tracker is first, and whether chance explains its lead over the second."""
    first, second = found[0], found[1]
    ahead = first.scored.auc.mean - second.scored.auc.mean
    p_next = 1.0 if first.p_next is None else first.p_next
    chance = "" if p_next < 0.05 else ", which chance may explain"
    return (
        f"{first.scored.tracker} is first of {len(found)} trackers with a mean AUC of "
        f"{first.scored.auc.mean:.1f} on {len(analysis.truths)} sequences of {analysis.dataset} "
        f"(convention {analysis.rules.title}), {ahead:.1f} points ahead of "
        f"{second.scored.tracker}{chance} (p = {tables.p_value_text(p_next)})."
    )


def rank_plot(found: Sequence[Standing]) -> bytes:
    """Draw each tracker's rank under every toolkit's rules."""
    toolkits = list(found[0].ranks)
    figure = Figure(figsize=(7.2, 1.6 + 0.34 * len(found)), dpi=130, layout="constrained")
    axes = figure.subplots()
    for index, one in enumerate(found):
        # Equal ranks are drawn side by side, or a line would hide another.
        shift = 0.06 * (index - len(found) / 2) / max(1, len(found))
        axes.plot(
            np.arange(len(toolkits)),
            np.array([one.ranks[title] for title in toolkits]) + shift,
            LINES[index // len(COLOURS) % len(LINES)],
            marker=MARKERS[index % len(MARKERS)],
            color=COLOURS[index % len(COLOURS)],
        )
        axes.annotate(
            one.scored.tracker, (len(toolkits) - 1, one.ranks[toolkits[-1]] + shift),
            xytext=(8, 0), textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    axes.set_xticks(np.arange(len(toolkits)), [title.split(" (")[0] for title in toolkits])
    axes.set_xlim(-0.2, len(toolkits) - 0.2)
    axes.set_yticks(range(1, len(found) + 1))
    axes.invert_yaxis()
    axes.set_ylabel("rank by AUC")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.25)
    return as_png(figure)


def render_leaderboard(analysis: Analysis, found: Sequence[Standing]) -> str:
    """Return the page."""
    return (
        page_environment("vl_track.scoring.report")
        .get_template("leaderboard.html.j2")
        .render(
            title=f"{analysis.dataset}: {len(found)} trackers",
            answer=f"{lead(analysis, found)} {summary(found)}",
            made=datetime.now(UTC).isoformat(timespec="minutes"),
            rows=standings_table(analysis, found),
            note=tables.footnote(analysis),
            convention=analysis.rules.title,
            plot=rank_plot(found) if found[0].ranks else b"",
            agreements=agreement_texts(found),
            findings=[(one.tracker, f) for one in analysis.trackers for f in one.findings],
        )
    )
