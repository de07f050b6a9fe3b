"""SWA (Izmailov et al. 2018): average the checkpoints of the last part of a run.

For a run of constant or cyclic rate, as SWA is meant; ``configs/dropout_ft/swa.yaml`` is one.
"""

from collections.abc import Sequence

import torch

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.methods.segment_weights import complete, has_segments
from dropout_ft.results.run import Run
from dropout_ft.training.segments import Segment, StateDict, segments_of


def last_part(segments: Sequence[Segment], *, start: float = 0.75) -> list[Segment]:
    """Return the segments that end after a share of the steps; at least the last.

    Args:
        segments: in the order of steps; the one of step 0 is left out.
        start: share of the budget after which averaging starts; the paper's 0.75.
    """
    end = segments[-1].step
    chosen = [segment for segment in segments if segment.step >= max(1, start * end)]
    return chosen or [segments[-1]]


def mean_of_checkpoints(segments: Sequence[Segment]) -> StateDict:
    """Average the last weights of segments with equal weights."""
    total: StateDict = {}
    for segment in segments:
        last, _, _ = segment.read()
        for name, value in last.items():
            added = value.to(torch.float64)
            total[name] = total[name] + added if name in total else added
    return {name: (value / len(segments)).to(torch.float32) for name, value in total.items()}


@method
class SWA(Method):
    """The last quarter's checkpoints."""

    name = "SWA"
    description = "mean of the checkpoints of the last quarter"
    marker = "*"
    order = 90
    over = "run"
    asked = True
    kept = True

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the run kept weights along the way."""
        return has_segments(runs[0])

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Evaluate the mean."""
        evaluation = Reevaluation(runs[0])
        chosen = last_part(segments_of(runs[0].directory.path))
        return [evaluation.scores(complete(mean_of_checkpoints(chosen), evaluation.final))]
