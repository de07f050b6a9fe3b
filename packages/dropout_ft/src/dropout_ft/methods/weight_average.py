"""Uniform average of the final weights of several runs (paper 4.1, "Weight averaging, all")."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation, final_weights
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.training.segments import StateDict
from holdfast.checkpoints.reading import check_same_architecture
from holdfast.errors import ConfigError


def average_weights(members: Sequence[StateDict]) -> StateDict:
    """Average state dictionaries of one architecture with equal weights.

    Floating tensors are averaged in float64 and returned in their own type; counters are taken from
    the first member. The runs' heads start at random independently of each other, as in the paper;
    sharing a warm-started head brings the runs into one basin (DiWA).

    Raises:
        ConfigError: fewer than two members.
        CheckpointError: the members' architectures differ.
    """
    if len(members) < 2:
        raise ConfigError("An average over runs needs at least two runs of the same test domain.")
    first, *others = members
    for member in others:
        check_same_architecture(member, first, source="One of the runs")
    return {name: _mean([m[name] for m in members]) for name in first}


def _mean(tensors: list[Tensor]) -> Tensor:
    first = tensors[0]
    if not first.is_floating_point():
        return first.clone()
    total = torch.zeros_like(first, dtype=torch.float64)
    for tensor in tensors:
        total += tensor.to(torch.float64)
    return (total / len(tensors)).to(first.dtype)


@method
class AverageOverRuns(Method):
    """The uniform soup of a method's runs (DiWA)."""

    name = "average over runs"
    description = "uniform soup (DiWA): mean of the last weights of all runs"
    marker = "^"
    order = 130
    over = "runs"
    kept = True

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Evaluate the average."""
        check_same_tables(runs)
        average = average_weights([final_weights(run) for run in runs])
        return [Reevaluation(runs[0]).scores(average)]
