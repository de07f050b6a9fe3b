"""The average of the weights along one run (paper 4.1, "Weight averaging, per trajectory")."""

from collections.abc import Sequence

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.results.run import Run


class _Along(Method):
    over = "run"

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the run kept an average of this kind."""
        run = runs[0]
        return run.coordinates.average == self.name and bool(run.along("average"))

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Return the average's scores at each evaluation."""
        return runs[0].along("average")


@method
class TrajectoryAverage(_Along):
    """Every step has the same weight (SMA)."""

    name = "trajectory average"
    description = "mean of the weights after every step (SMA)"
    marker = "s"
    order = 70


@method
class ExponentialAverage(_Along):
    """Later steps have more weight."""

    name = "EMA"
    description = "exponential moving average of the weights"
    marker = "D"
    order = 80
