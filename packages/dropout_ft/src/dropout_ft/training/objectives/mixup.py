"""Mixup (Zhang et al. 2018), between training domains as in DomainBed (Yan et al. 2020)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dropout_ft.nn.classifier import Classifier
from dropout_ft.training.objectives.base import Batch, Objective, by_domain


class Mixup(Objective):
    """Cross-entropy on mixtures of pictures of two domains, weighted as they were mixed.

    Where the first stages are frozen and cached, their activations are mixed instead of pictures.

    Args:
        alpha: of the Beta distribution of mixing shares; DomainBed's default is 0.2.
    """

    def __init__(self, alpha: float = 0.2) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return the loss: the mean over the pairs of domains of a random cycle."""
        inputs = by_domain(model.mixable(batch["input"]), batch["domain"])
        labels = by_domain(batch["label"], batch["domain"])
        images = batch["input"].dtype == torch.uint8
        weight = batch.get("weight")
        weights: Sequence[Tensor | None] = (
            [None] * len(inputs) if weight is None else by_domain(weight, batch["domain"])
        )
        losses = []
        for first, second in random_cycle(len(inputs)):
            mix = self.draw_mix()
            count = min(len(inputs[first]), len(inputs[second]))
            mixed = mix * inputs[first][:count] + (1 - mix) * inputs[second][:count]
            logits = model.head(model.features_of_mixed(mixed, images=images))
            losses.append(
                mix
                * self.cross_entropy(logits, labels[first][:count], _first(weights[first], count))
                + (1 - mix)
                * self.cross_entropy(logits, labels[second][:count], _first(weights[second], count))
            )
        return {"loss": torch.stack(losses).mean()}

    def draw_mix(self) -> float:
        """Draw the first picture's share; the run's step seeds the generator."""
        seed = int(torch.randint(2**31, ()))
        return float(np.random.default_rng(seed).beta(self.alpha, self.alpha))


def random_cycle(count: int) -> list[tuple[int, int]]:
    """Pair every domain with the next one of a random order; a single domain with itself."""
    order = torch.randperm(count).tolist()
    return list(zip(order, order[1:] + order[:1], strict=True))


def _first(weight: Tensor | None, count: int) -> Tensor | None:
    return None if weight is None else weight[:count]
