"""WiSE-FT (Wortsman et al. 2022): a straight line between the start and the end of a run.

The start is the pre-trained network with the warm-started head (a zero-shot head in the paper).
"""

from collections.abc import Sequence

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.methods.segment_weights import complete, has_segments
from dropout_ft.results.run import Run
from dropout_ft.training.segments import StateDict, segments_of

FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def interpolate(start: StateDict, end: StateDict, fraction: float) -> StateDict:
    """Return ``(1 - fraction) * start + fraction * end``.

    Args:
        start: weights at step 0.
        end: weights of the same names after training.
        fraction: of the end, in [0, 1]; the paper recommends 0.5 where nothing can be validated.
    """
    return {name: start[name] + fraction * (value - start[name]) for name, value in end.items()}


class _WiSE(Method):
    over = "run"
    asked = True
    kept = True
    fractions: Sequence[float] = FRACTIONS

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the run kept weights along the way."""
        return has_segments(runs[0])

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Evaluate each fraction; the i.i.d. accuracy chooses."""
        evaluation = Reevaluation(runs[0])
        segments = segments_of(runs[0].directory.path)
        start, end = segments[0].read()[0], segments[-1].read()[0]
        found = [
            evaluation.scores(complete(interpolate(start, end, fraction), evaluation.final))
            for fraction in self.fractions
        ]
        return [max(found, key=lambda scores: scores["iid"])]


@method
class WiSEHalf(_WiSE):
    """Halfway, as the paper recommends where nothing can be validated."""

    name = "WiSE-FT 0.5"
    description = "halfway between the start and the end of the run"
    marker = "X"
    order = 40
    fractions = (0.5,)


@method
class WiSE(_WiSE):
    """Where the i.i.d. accuracy is best."""

    name = "WiSE-FT"
    description = "between start and end, where the i.i.d. accuracy is best"
    marker = "8"
    order = 50
