"""SWAD (Cha et al. 2021): average densely between the bounds of a flat valley of the loss."""

from collections.abc import Sequence

import numpy as np
import torch

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.methods.segment_weights import complete, has_segments
from dropout_ft.results.run import Run
from dropout_ft.results.scores import iid_loss
from dropout_ft.training.segments import Segment, StateDict, segments_of
from holdfast.errors import ConfigError


def valley(
    losses: Sequence[float],
    *,
    start_patience: int = 3,
    end_patience: int = 6,
    tolerance: float = 1.3,
) -> tuple[int, int]:
    """Return the first and the last segment of the average, the paper's algorithm 1.

    It starts at the first loss that none of the next ``start_patience - 1`` undercuts; with l the
    mean of those ``start_patience`` losses, it ends before the first place from which
    ``end_patience`` losses in a row are above ``tolerance * l``.

    Args:
        losses: validation loss at the end of each segment.
        start_patience: N_s; the paper's 3.
        end_patience: N_e; the paper's 6.
        tolerance: r; the paper's 1.2 on VLCS and 1.3 elsewhere.

    Returns:
        Positions, both inclusive. Where no valley starts, the segment of least loss alone.

    Raises:
        ValueError: there are no losses.
    """
    if not losses:
        raise ValueError("there are no segments to choose from")
    start = next(
        (
            index
            for index in range(len(losses) - start_patience + 1)
            if losses[index] <= min(losses[index : index + start_patience])
        ),
        None,
    )
    if start is None:
        lowest = int(np.argmin(losses))
        return lowest, lowest
    threshold = tolerance * float(np.mean(losses[start : start + start_patience]))
    for index in range(start + 1, len(losses) - end_patience + 1):
        if min(losses[index : index + end_patience]) > threshold:
            return start, index - 1
    return start, len(losses) - 1


def mean_of_segments(segments: Sequence[Segment]) -> StateDict:
    """Average segment means, each weighted by its number of steps; that is the mean of all steps.

    Raises:
        ConfigError: a segment kept no mean.
    """
    total: StateDict = {}
    steps = 0
    for segment in segments:
        _, mean, count = segment.read()
        if not mean or count == 0:
            raise ConfigError(f"{segment.path} has no mean: train SegmentWeights with mean true.")
        for name, value in mean.items():
            added = value.to(torch.float64) * count
            total[name] = total[name] + added if name in total else added
        steps += count
    return {name: (value / steps).to(torch.float32) for name, value in total.items()}


@method
class SWAD(Method):
    """Every step in the valley of the i.i.d. loss."""

    name = "SWAD"
    description = "mean of every step between the bounds of the loss valley"
    marker = "P"
    order = 100
    over = "run"
    asked = True
    kept = True

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the run kept weights along the way."""
        return has_segments(runs[0])

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Find the valley and evaluate its mean."""
        run = runs[0]
        evaluation = Reevaluation(run)
        segments = [s for s in segments_of(run.directory.path) if s.step in run.logits]
        losses = [iid_loss(run.logits[s.step]["current"], run.table) for s in segments]
        first, last = valley(losses)
        mean = mean_of_segments(segments[first : last + 1])
        found = evaluation.scores(complete(mean, evaluation.final))
        return [{**found, "step": segments[last].step}]
