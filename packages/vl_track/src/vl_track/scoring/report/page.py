"""The self-contained HTML page of an evaluation."""

from datetime import UTC, datetime

from holdfast.report.page import page_environment
from vl_track.scoring.analysis import Analysis
from vl_track.scoring.report import figures, tables


def render_page(analysis: Analysis) -> str:
    """Return the page: scores, plots, attributes, other toolkits, ranking of sequences."""
    drawn = [
        ("Success: share of frames whose overlap is above the threshold; in brackets the AUC",
         figures.success_plot(analysis)),
        ("Precision: share of frames whose centre is within the distance; in brackets at 20 pixels",
         figures.precision_plot(analysis)),
        ("Normalised precision; in brackets as the toolkit reports it",
         figures.normalised_plot(analysis)),
    ]  # fmt: skip
    if len(analysis.attributes) >= 3:
        caption = "AUC on the sequences with each attribute (their number in brackets)"
        drawn.append((caption, figures.attribute_radar(analysis)))
    return (
        page_environment("vl_track.scoring.report")
        .get_template("evaluation.html.j2")
        .render(
            title=f"{analysis.dataset}: {', '.join(one.tracker for one in analysis.trackers)}",
            made=datetime.now(UTC).isoformat(timespec="minutes"),
            note=tables.footnote(analysis),
            convention=analysis.rules.title,
            main=tables.main_table(analysis),
            figures=drawn,
            toolkits=tables.toolkit_table(analysis),
            attributes=tables.attribute_table(analysis),
            sequences=tables.sequence_table(analysis),
            findings=[(one.tracker, f) for one in analysis.trackers for f in one.findings],
            versus=[(one.tracker, one.versus) for one in analysis.trackers if one.versus],
            first=analysis.trackers[0].tracker,
        )
    )
