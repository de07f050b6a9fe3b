"""The run itself, at the step that the i.i.d. accuracy selects (paper 4.3)."""

from collections.abc import Sequence

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.results.run import Run


@method
class SelectedStep(Method):
    """The run's own weights."""

    name = "run"
    description = "the run itself, at the step that the i.i.d. accuracy selects"
    marker = "o"
    order = 10
    over = "run"

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Return the run's evaluations that cover the domains left out."""
        return runs[0].along("current")
