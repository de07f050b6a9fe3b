"""Logits keyed by sample index, so that each sample counts exactly once on any number of ranks."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


def first_of_each_index(index: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Sort by index and drop repeats.

    Args:
        index: (N,) integer sample indices, repeats allowed.
        values: (N, ...) one row for each index.

    Returns:
        The (M,) distinct indices in rising order and their (M, ...) rows.
    """
    ordered, order = torch.sort(index, stable=True)
    keep = torch.ones_like(ordered, dtype=torch.bool)
    keep[1:] = ordered[1:] != ordered[:-1]
    return ordered[keep], values[order[keep]]


class IndexedLogits(Metric):
    """Collect (index, logits) over batches and ranks; :meth:`gathered` gives one row a sample."""

    full_state_update = False
    is_differentiable = False
    higher_is_better = None
    index: list[Tensor]
    logits: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401  (torchmetrics' own options)
        super().__init__(**kwargs)
        self.add_state("index", default=[], dist_reduce_fx="cat")
        self.add_state("logits", default=[], dist_reduce_fx="cat")

    def update(self, index: Tensor, logits: Tensor) -> None:
        """Add a batch: index (B,) integers, logits (B, C) of any type."""
        self.index.append(index)
        self.logits.append(logits.detach().float())

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return what :meth:`gathered` gives; torchmetrics squeezes a tensor of one element."""
        index = torch.cat(self.index) if isinstance(self.index, list) else self.index
        logits = torch.cat(self.logits) if isinstance(self.logits, list) else self.logits
        return first_of_each_index(index, logits)

    def gathered(self) -> tuple[Tensor, Tensor]:
        """Return the (M,) indices that any rank saw, rising, and their float32 (M, C) rows."""
        index, logits = self.compute()
        return index.reshape(-1), logits.reshape(index.numel(), -1)
