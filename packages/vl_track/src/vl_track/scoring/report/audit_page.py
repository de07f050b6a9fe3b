"""A language audit as text and as one self-contained HTML page."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from matplotlib.figure import Figure

from holdfast.report.figures import COLOURS, as_png
from holdfast.report.page import page_environment
from vl_track.scoring.audit import Finding, sentence_of, verdict
from vl_track.scoring.conventions import PLAIN
from vl_track.scoring.language import Ablation
from vl_track.scoring.report import tables

HEADER = ["data", "prompt", "against", "videos", "AUC right", "AUC other", "gain", "95 %", "p"]


def audit_table(found: Sequence[Finding]) -> tables.Table:
    """Return a header and a row of text for each comparison."""
    return [HEADER, *(_row(one) for one in found)]


def _row(one: Finding) -> list[str]:
    start = [one.data, one.prompt, one.condition, str(one.videos)]
    if one.gain is None:
        return [*start, *[""] * (len(HEADER) - len(start))]
    gap = one.gain.difference
    return [
        *start, f"{one.right:.3f}", f"{one.other:.3f}", f"{gap.mean:+.3f}",
        f"{gap.low:+.3f} to {gap.high:+.3f}", tables.p_value_text(one.gain.p_value),
    ]  # fmt: skip


def gain_plot(found: Sequence[Finding]) -> bytes:
    """Draw the gain of the right sentence over each condition with its interval."""
    shown = [one for one in found if one.gain is not None]
    figure = Figure(figsize=(7.2, 1.2 + 0.4 * len(shown)), dpi=130, layout="constrained")
    axes = figure.subplots()
    for place, one in enumerate(shown):
        assert one.gain is not None
        gap = one.gain.difference
        reach = np.array([[gap.mean - gap.low], [gap.high - gap.mean]])
        axes.errorbar([gap.mean], [place], xerr=reach, fmt="o", color=COLOURS[0], capsize=3)
    names = [f"{one.data}, {one.prompt}: over {one.condition}" for one in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.invert_yaxis()
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set_xlabel("AUC with the right sentence, less AUC without or with a wrong one")
    axes.spines[["top", "right"]].set_visible(False)
    return as_png(figure)


def render_audit(
    name: str,
    found: Sequence[Finding],
    ablations: Sequence[tuple[str, Ablation]],
    failed: Sequence[str] = (),
) -> str:
    """Return the page.

    Args:
        name: of the tracker.
        found: every comparison.
        ablations: with the names of their data, for the table of videos.
        failed: a sentence for each video that is left out.
    """
    return (
        page_environment("vl_track.scoring.report")
        .get_template("audit.html.j2")
        .render(
            title=f"How much of {name} is language",
            answer=verdict(list(found)),
            made=datetime.now(UTC).isoformat(timespec="minutes"),
            convention=PLAIN,
            rows=audit_table(found),
            sentences=[sentence_of(one) for one in found],
            plot=gain_plot(found),
            failed=failed,
            videos=[row for data, one in ablations for row in _videos(data, one)],
            conditions=list(ablations[0][1].runs) if ablations else [],
        )
    )


def _videos(data: str, one: Ablation) -> list[list[str]]:
    by_name = {
        condition: {run.name: run.auc for run in runs} for condition, runs in one.runs.items()
    }
    return [
        [data, one.prompt, run.name,
         *(f"{aucs[run.name]:.3f}" if run.name in aucs else "" for aucs in by_name.values())]
        for run in one.runs["right"]
    ]  # fmt: skip
