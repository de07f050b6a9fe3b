"""Monte-Carlo dropout (Gal & Ghahramani 2016): average predictions with the head's dropout on."""

import torch
from torch import Tensor

from dropout_ft.nn.head import VeryLargeDropoutHead
from holdfast.seeding import fold_seed


@torch.no_grad()
def mc_dropout_logits(
    head: VeryLargeDropoutHead, features: Tensor, *, passes: int = 30, seed: int = 0
) -> Tensor:
    """Return log-probabilities (N, C) of the mean of ``passes`` random predictions.

    Only the head is random, so the backbone runs once; the cost of ``passes`` is small.

    Args:
        head: left in the mode it was in.
        features: (N, F) representations.
        passes: masks for each sample.
        seed: of the masks.
    """
    training = head.training
    total: Tensor | None = None
    with torch.random.fork_rng():
        torch.manual_seed(fold_seed("mc dropout", seed))
        head.train()
        for _ in range(passes):
            probabilities = head(features).double().softmax(1)
            total = probabilities if total is None else total + probabilities
    head.train(training)
    assert total is not None
    return (total / passes).log()
