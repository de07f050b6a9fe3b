"""Mixout (Lee et al. 2020): weights are replaced by the pre-trained ones at random.

At the rates of High-Rate Mixout (Aminbeidokhti et al. 2025: 0.8 for ResNets, 0.9 for ViTs) it is
the nearest relative of very large dropout: it drops what was learned instead of what is known.
"""

import torch
from torch import Tensor
from torch.func import functional_call

from dropout_ft.nn.adapters import has_adapter
from dropout_ft.nn.classifier import Classifier
from dropout_ft.training.objectives.base import Batch, Objective
from holdfast.errors import ConfigError


class Mixout(Objective):
    """Cross-entropy with each trained weight of the backbone reset at random, anew at every step.

    ``w = start + keep / (1 - rate) * (current - start)``, with ``keep`` 0 at the given rate and 1
    otherwise: the mean over the masks is the current weight. It acts on the weights of convolutions
    and linear layers of the backbone; biases, the scales of normalisation, and the head, which has
    no pre-trained value, are left alone. Evaluation uses the current weights.

    Args:
        rate: probability that a weight is reset, in [0, 1).

    Raises:
        ValueError: the rate is not in that range.
    """

    def __init__(self, rate: float = 0.8) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"Mixout's rate is {rate}, but it must be at least 0 and below 1.")
        self.rate = rate
        self._start: dict[str, Tensor] = {}  # in a dict: these are not this module's weights

    def prepare(self, model: Classifier) -> None:
        """Keep the pre-trained weights.

        Raises:
            ConfigError: the backbone has an adapter, whose factors are no pre-trained weights.
        """
        if has_adapter(model.backbone):
            raise ConfigError("Mixout resets weights, and an adapter trains none: choose one.")
        self._start = {name: value.detach().clone() for name, value in mixed_weights(model)}

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return the loss."""
        mixed = {name: self._mix(name, value) for name, value in mixed_weights(model)}
        logits = functional_call(model, mixed, (batch["input"],))
        return {"loss": self.cross_entropy(logits, batch["label"], batch.get("weight"))}

    def _mix(self, name: str, current: Tensor) -> Tensor:
        if self._start[name].device != current.device:
            self._start[name] = self._start[name].to(current.device)
        start = self._start[name]
        keep = (torch.rand_like(start) >= self.rate).to(start.dtype)
        return start + keep / (1 - self.rate) * (current - start)


def mixed_weights(model: Classifier) -> list[tuple[str, Tensor]]:
    """Return the trained weights of the backbone's convolutions and linear layers, with names."""
    return [
        (f"backbone.{name}", value)
        for name, value in model.backbone.named_parameters()
        if value.requires_grad and value.dim() > 1
    ]
