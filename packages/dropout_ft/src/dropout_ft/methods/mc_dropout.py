"""Monte-Carlo dropout (Gal & Ghahramani 2016): average predictions with the head's dropout on."""

from collections.abc import Sequence

import torch
from torch import Tensor

from dropout_ft.methods.base import Method, Options, Scores, method
from dropout_ft.methods.reevaluation import Reevaluation
from dropout_ft.nn.head import VeryLargeDropoutHead
from dropout_ft.results.run import Run
from dropout_ft.results.scores import score
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


@method
class MCDropout(Method):
    """The head's dropout stays on at test."""

    name = "MC dropout"
    description = "the run's last weights, 30 random masks averaged at test"
    marker = "x"
    order = 30
    over = "run"
    asked = True
    kept = True

    def able(self, runs: Sequence[Run]) -> bool:
        """Tell whether the run has dropout."""
        return runs[0].coordinates.dropout_rate > 0

    def scores(self, runs: Sequence[Run], options: Options) -> list[Scores]:
        """Average random predictions of the last weights."""
        evaluation = Reevaluation(runs[0])
        features, _ = evaluation.features(evaluation.final)
        logits = mc_dropout_logits(evaluation.model.head.cpu(), features)
        return [score(logits.numpy(), runs[0].table)]
