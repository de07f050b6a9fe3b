"""The reliability diagram of presence, as PNG bytes."""

from matplotlib.figure import Figure

from holdfast.report.figures import COLOURS, as_png
from vl_track.scoring.presence import BINS, PresenceScore

UPPER, LOWER = (0.13, 0.36, 0.84, 0.55), (0.13, 0.12, 0.84, 0.18)
"""Left, bottom, width and height of the two axes."""


def reliability_plot(found: PresenceScore, title: str) -> bytes:
    """Draw how often the object is in view where presence says so much, and of how many frames.

    Args:
        found: of a tracker; bins without a frame are left out.
        title: says which frames, and what the tracker was told.
    """
    figure = Figure(figsize=(5.2, 5.2), dpi=130)
    upper, lower = figure.add_axes(UPPER), figure.add_axes(LOWER)
    said = [one.said for one in found.bins]
    seen = [one.seen for one in found.bins]
    upper.plot([0, 1], [0, 1], "--", color="0.6", label="as it should be")
    upper.plot(said, seen, "o-", color=COLOURS[0], markersize=4, label="this tracker")
    upper.vlines(said, said, seen, color=COLOURS[0], alpha=0.4)
    upper.set_ylabel("share of frames with the object")
    upper.set_ylim(-0.03, 1.03)
    upper.set_xticklabels([])
    upper.legend(frameon=False, fontsize=8, loc="upper left")
    upper.set_title(
        f"{title}\n{found.frames} frames, {found.absent} without the object; expected calibration "
        f"error {found.calibration_error:.3f}",
        fontsize=8,
    )
    lower.bar(said, [one.count for one in found.bins], width=0.7 / BINS, color=COLOURS[0])
    lower.set_yscale("log")
    lower.set_ylim(bottom=0.8)
    lower.set_ylabel("frames")
    lower.set_xlabel("probability that the object is in view")
    for axes in (upper, lower):
        axes.set_xlim(-0.03, 1.03)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return as_png(figure)
