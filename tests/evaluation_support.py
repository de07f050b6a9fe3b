"""Made-up sequences and trackers for the reports of an evaluation."""

import numpy as np

from toolkit_support import SIX_PREDICTED, six_frames
from vl_track.data.truth import TrueSequence
from vl_track.scoring.analysis import Analysis, analyse
from vl_track.scoring.conventions import Name, convention
from vl_track.scoring.raw_results import Finding, RawResults

ATTRIBUTES = ("rotation", "motion blur", "deformation", "low resolution")


def truths(count: int = 6, *, attributes: bool = True) -> list[TrueSequence]:
    """Sequences of rising difficulty; the last attribute belongs to one of them only."""
    found = []
    for place in range(count):
        boxes = six_frames().boxes.copy()
        boxes[:, 0] += place
        names = {name for k, name in enumerate(ATTRIBUTES[:3]) if place % (k + 2) == 0}
        if place == 1:
            names.add(ATTRIBUTES[3])
        found.append(
            TrueSequence(
                name=f"seq_{place}",
                boxes=boxes,
                attributes=frozenset(names if attributes else ()),
            )
        )
    return found


def results(
    name: str, shift: float, count: int = 6, findings: tuple[Finding, ...] = ()
) -> RawResults:
    guess = np.array(SIX_PREDICTED, float)
    boxes = {f"seq_{k}": guess + np.array([k * shift, 0, 0, 0]) for k in range(count)}
    seconds = {f"seq_{k}": np.full(6, 0.02) for k in range(count)} if shift else {}
    return RawResults(
        tracker=name, source=f"/results/{name}", boxes=boxes, seconds=seconds, findings=findings
    )


def analysis(toolkit: Name = "stark", **options: object) -> Analysis:
    values: dict[str, object] = {"dataset": "lasot", "samples": 200, **options}
    given = values.pop("results", [results("one", 1), results("two_x", 0)])
    return analyse(
        values.pop("truths", truths()),
        given,
        convention(toolkit),
        **values,  # type: ignore[arg-type]
    )
