"""What a method over finished runs is; each is one class in a file of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

import numpy as np

from dropout_ft.results.run import Run
from dropout_ft.results.scores import softmax

Scores = dict[str, float]
Sum = Literal["logits", "probabilities"]
"""What an ensemble sums: raw logits as the official code, or probabilities."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Choices of a report that methods share.

    Attributes:
        ensemble_of: what ensembles sum.
    """

    ensemble_of: Sum = "logits"


class Method:
    """One way to get scores from finished runs, without training anything again.

    Attributes:
        name: in tables and on the command line.
        description: one line.
        marker: of matplotlib.
        order: position in tables; smaller comes first.
        over: ``run`` if it uses one run, ``runs`` if it uses all runs of one method and place,
            ``data`` if it uses a run's data and pre-trained weights only, and nothing trained.
        networks: how many networks a prediction runs through; 0 is one for each run used.
        asked: whether it is computed only where ``--methods`` names it, because it costs time.
        kept: whether its scores are kept beside the run, because a network has to be evaluated.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    marker: ClassVar[str]
    order: ClassVar[int]
    over: ClassVar[Literal["run", "runs", "data"]]
    networks: ClassVar[int] = 1
    asked: ClassVar[bool] = False
    kept: ClassVar[bool] = False

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the runs have what the method needs. Yes by default."""
        return True

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Return the scores of :func:`dropout_ft.results.scores.score`, one row for each step.

        Args:
            runs: one run, or a group of them; see ``over``.
            options: of the report.

        Returns:
            Rows with ``step`` where the method follows a run along its steps; the i.i.d. accuracy
            then selects one. A single row otherwise. ``members`` says how many networks it has.
            None at all where there is nothing to score.
        """
        raise NotImplementedError


ZERO_SHOT = "zero-shot CLIP"
"""Of the one method that is a row by itself, whatever the runs' rates and objectives."""

M = TypeVar("M", bound=type[Method])
REGISTERED: dict[str, Method] = {}


def method(kind: M) -> M:
    """Register a method under its name; the decorator of each class.

    Methods of equal order stand side by side, by their names: a method that is added here later
    never stops one of a user's own.

    Raises:
        ValueError: another method has that name.
    """
    other = REGISTERED.get(kind.name)
    if other is not None and type(other).__qualname__ != kind.__qualname__:
        raise ValueError(
            f"{kind.__name__} and {type(other).__name__} are both named '{kind.name}'."
        )
    REGISTERED[kind.name] = kind()
    return kind


def summed(members: Sequence[np.ndarray], ensemble_of: Sum) -> np.ndarray:
    """Return the sum (N, C) of members' logits or probabilities, in float64."""
    convert: Callable[[np.ndarray], np.ndarray] = (
        softmax if ensemble_of == "probabilities" else lambda member: member.astype(np.float64)
    )
    total: np.ndarray = np.sum([convert(member) for member in members], axis=0)
    return total
