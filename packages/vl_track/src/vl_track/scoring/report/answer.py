"""The sentences at the top of an evaluation: which tracker is ahead, by how much, how surely."""

from vl_track.scoring.analysis import Analysis, Scored
from vl_track.scoring.curves import curves_of
from vl_track.scoring.report.tables import ranked


def answer(analysis: Analysis) -> str:
    """Return the best tracker's score and its lead, or what a single tracker reaches."""
    best = ranked(analysis)[0]
    first = next(iter(curves_of(analysis.rules)))
    key, title = next(iter(first.columns.items()))
    said = (
        f"{best.tracker} reaches {title} {best.figures[key]:.1f} on {len(analysis.truths)} "
        f"sequences of {analysis.dataset} (convention {analysis.rules.title})"
    )
    if len(analysis.trackers) == 1:
        return f"{said}. {_elsewhere(best)}"
    return f"{said}, the highest of {len(analysis.trackers)} trackers. {_lead(analysis, best)}"


def _elsewhere(one: Scored) -> str:
    aucs = [figures["auc"] for figures in one.by_convention.values()]
    sure = f"95 % of resamplings of the sequences give {one.auc.low:.1f} to {one.auc.high:.1f}"
    if not aucs:
        return f"{sure}."
    return (
        f"{sure}; the toolkits' rules give {min(aucs):.1f} to {max(aucs):.1f} for the same boxes."
    )


def _lead(analysis: Analysis, best: Scored) -> str:
    """Compare the best with the reference; the reference with the next one where it is the best."""
    reference = analysis.trackers[0]
    other = ranked(analysis)[1] if best is reference else best
    behind = other if best is reference else reference
    versus = other.versus  # the reference minus the other
    if versus is None:
        return ""
    sign = 1.0 if best is reference else -1.0
    mean = sign * versus.difference.mean
    low, high = sorted((sign * versus.difference.low, sign * versus.difference.high))
    sure = "" if low > 0 else ", so that the lead is not told from chance"
    return (
        f"Sequence by sequence its AUC is {mean:+.1f} points above that of {behind.tracker} "
        f"(95 %: {low:+.1f} to {high:+.1f}){sure}."
    )
