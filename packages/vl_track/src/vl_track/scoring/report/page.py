"""The self-contained HTML page of an evaluation."""

from datetime import UTC, datetime

from holdfast.report.page import page_environment
from vl_track.scoring.analysis import Analysis
from vl_track.scoring.curves import curves_of
from vl_track.scoring.report import figures, tables
from vl_track.scoring.report.answer import answer

NAMED = 3
"""More trackers than these are counted in the title, not named."""


def render_page(analysis: Analysis) -> str:
    """Return the page: scores, plots, attributes, other toolkits, ranking of sequences."""
    drawn = [
        (curve.caption, figures.curve_plot(analysis, curve)) for curve in curves_of(analysis.rules)
    ]
    if len(analysis.attributes) >= 3:
        caption = "AUC on the sequences with each attribute (their number in brackets)"
        drawn.append((caption, figures.attribute_radar(analysis)))
    return (
        page_environment("vl_track.scoring.report")
        .get_template("evaluation.html.j2")
        .render(
            title=_title(analysis),
            made=datetime.now(UTC).isoformat(timespec="minutes"),
            answer=answer(analysis),
            note=tables.footnote(analysis),
            convention=analysis.rules.title,
            main=tables.main_table(analysis),
            figures=drawn,
            toolkits=tables.collapsed(tables.toolkit_table(analysis)),
            some_frames="" if analysis.every_frame else tables.SOME_FRAMES,
            attributes=tables.attribute_table(analysis),
            sequences=tables.sequence_table(analysis),
            findings=[(one.tracker, f) for one in analysis.trackers for f in one.findings],
            versus=[(one.tracker, one.versus) for one in analysis.trackers if one.versus],
            first=analysis.trackers[0].tracker,
        )
    )


def _title(analysis: Analysis) -> str:
    names = [one.tracker for one in analysis.trackers]
    said = ", ".join(names) if len(names) <= NAMED else f"{len(names)} trackers"
    return f"{analysis.dataset}: {said}"
