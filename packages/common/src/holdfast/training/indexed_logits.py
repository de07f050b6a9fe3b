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
    """Collect (index, logits) over batches and ranks; ``compute`` gives one row a sample.

    ``compute`` returns float32 logits of shape (count, classes) in index order.

    Args:
        count: number of samples over all ranks.
        expected: (count,) bool, samples that must be seen; all by default. Rows of others are nan
            unless they were seen.
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = None
    index: list[Tensor]
    logits: list[Tensor]

    def __init__(
        self,
        count: int,
        expected: Tensor | None = None,
        **kwargs: Any,  # noqa: ANN401  (torchmetrics' own options)
    ) -> None:
        super().__init__(**kwargs)
        self.count = count
        self.expected = torch.ones(count, dtype=torch.bool) if expected is None else expected
        self.add_state("index", default=[], dist_reduce_fx="cat")
        self.add_state("logits", default=[], dist_reduce_fx="cat")

    def update(self, index: Tensor, logits: Tensor) -> None:
        """Add a batch: index (B,) integers in [0, count), logits (B, classes) of any float type."""
        self.index.append(index)
        self.logits.append(logits.detach().float())

    def compute(self) -> Tensor:
        """Return (count, classes) float32.

        Raises:
            RuntimeError: some samples were never seen, which would falsify every score.
        """
        index = torch.cat(self.index) if isinstance(self.index, list) else self.index
        logits = torch.cat(self.logits) if isinstance(self.logits, list) else self.logits
        seen, rows = first_of_each_index(index, logits)
        missing = self.expected.clone()
        missing[seen.cpu()] = False
        if missing.any():
            raise RuntimeError(f"evaluation saw {len(seen)} of {self.count} samples")
        if len(seen) == self.count:
            return rows
        filled = torch.full((self.count, rows.shape[1]), float("nan"), device=rows.device)
        filled[seen] = rows
        return filled
