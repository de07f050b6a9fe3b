"""Model Stock (Jang et al. 2024): between the average of runs and their common start, by angle.

Fine-tuned weights of one start lie, layer by layer, at like distances and angles around a centre.
The point nearest to that centre on the plane of the start and N runs is ``t`` of their average and
``1 - t`` of the start, with ``t = N cos / (1 + (N - 1) cos)`` and the angle that of two runs seen
from the start (the paper's sections 4.1 and 4.2).
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.methods.segment_weights import complete, has_segments
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.training.segments import StateDict, segments_of
from holdfast.errors import ConfigError


def model_stock(start: StateDict, members: Sequence[StateDict]) -> StateDict:
    """Return the weights between the start and the average of the members.

    Each tensor is a layer of its own. The cosine is the mean over all pairs of members. Where it is
    not positive the paper's formula leaves the segment between start and average; ``t`` is then 0,
    which is the end that the formula approaches.

    Args:
        start: weights that all members started from.
        members: weights of the same names after training, two or more.

    Raises:
        ConfigError: fewer than two members.
    """
    if len(members) < 2:
        raise ConfigError("Model Stock needs at least two runs of the same test domain.")
    return {name: _merged(start[name], [member[name] for member in members]) for name in start}


def share_of_average(moved: Sequence[Tensor]) -> float:
    """Return ``t`` of one layer, in [0, 1].

    Args:
        moved: (P,) float64 of each member, minus the start; 1 where no member moved at all.
    """
    norms = [float(one.norm()) for one in moved]
    if min(norms) == 0:
        return 1.0 if max(norms) == 0 else 0.0
    pairs = combinations(range(len(moved)), 2)
    cosines = [float(moved[a] @ moved[b]) / (norms[a] * norms[b]) for a, b in pairs]
    cosine = max(0.0, sum(cosines) / len(cosines))
    return min(1.0, len(moved) * cosine / (1 + (len(moved) - 1) * cosine))


def _merged(start: Tensor, members: Sequence[Tensor]) -> Tensor:
    origin = start.to(torch.float64).flatten()
    moved = [member.to(torch.float64).flatten() - origin for member in members]
    average = torch.stack(moved).mean(dim=0)
    return (origin + share_of_average(moved) * average).view(start.shape).to(start.dtype)


@method
class ModelStock(Method):
    """Layer by layer between the runs' common start and their average."""

    name = "Model Stock"
    description = "between the common start and the average of all runs, by their angle"
    marker = "1"
    order = 165
    over = "runs"
    asked = True
    kept = True

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether every run kept the weights it started from."""
        return all(has_segments(run) for run in runs)

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Evaluate the merged weights.

        Raises:
            ConfigError: the runs started from different weights.
        """
        check_same_tables(runs)
        kept = [segments_of(run.directory.path) for run in runs]
        starts = [segments[0].read()[0] for segments in kept]
        for run, other in zip(runs[1:], starts[1:], strict=True):
            _check_common(starts[0], other, run)
        merged = model_stock(starts[0], [segments[-1].read()[0] for segments in kept])
        evaluation = Reevaluation(runs[0])
        found = evaluation.scores(complete(merged, evaluation.final))
        return [{**found, "members": len(runs)}]


def _check_common(first: StateDict, other: StateDict, run: Run) -> None:
    if first.keys() != other.keys() or any(not torch.equal(first[n], other[n]) for n in first):
        raise ConfigError(
            f"Model Stock needs runs of one start, and {run.directory.path} started from other "
            "weights: train with configs/methods/diwa.yaml, which shares the head."
        )
