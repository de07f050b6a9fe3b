"""MIRO: mutual-information regularisation with oracle (Cha et al. 2022)."""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dropout_ft.nn.backbones.base import Backbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.training.objectives.base import Batch, Objective

START_VARIANCE = 0.1
LEAST_VARIANCE = 1e-6


class MIRO(Objective):
    """Cross-entropy plus a bound on what the network forgets of its pre-trained self.

    At the representation, and after every trained stage where the backbone is a sequence, the
    pre-trained activations z0 must stay predictable from the current ones z by a Gaussian whose
    mean is z and whose variance is learned per channel: ``0.5 mean(log v + (z0 - z)^2 / v)``.

    Args:
        weight: of the regulariser; the paper's values lie between 0.01 and 1.
        variance_lr_factor: learning rate of the variances over the backbone's; the paper uses 10.
        every_stage: regularise after every stage; otherwise at the representation only.
    """

    def __init__(
        self, weight: float = 0.1, variance_lr_factor: float = 10.0, every_stage: bool = True
    ) -> None:
        super().__init__()
        self.weight = weight
        self.lr_factor = variance_lr_factor
        self.every_stage = every_stage
        self.variances = nn.ParameterList()
        self._reference: list[Backbone] = []  # in a list: its weights are not this module's

    def prepare(self, model: Classifier) -> None:
        """Keep the pre-trained backbone and make a variance for each place.

        The number of channels is found on one blank picture.
        """
        reference = copy.deepcopy(model.backbone).eval()
        self._reference = [reference.requires_grad_(requires_grad=False)]
        size = model.backbone.preprocessing.size
        blank = torch.zeros(1, 3, size, size, device=model.mean.device)
        with torch.no_grad():
            layers = self._layers(reference, blank, 0)
        start = torch.log(torch.expm1(torch.tensor(START_VARIANCE - LEAST_VARIANCE)))
        kept = layers[model.frozen_stages :] if self.every_stage else layers
        self.variances = nn.ParameterList(
            nn.Parameter(start.expand(layer.shape[1]).clone().to(layer)) for layer in kept
        )

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return the loss and its regulariser."""
        inputs = batch["input"]
        frozen = 0 if inputs.dtype == torch.uint8 else model.frozen_stages
        inputs = model.mixable(inputs)
        layers = self._layers(model.backbone, inputs, frozen)
        reference = self._reference[0].to(inputs.device)
        with torch.no_grad():
            wanted = self._layers(reference, inputs, frozen)
        extra = len(layers) - len(self.variances)
        penalty = information_bound(layers[extra:], wanted[extra:], list(self.variances))
        risk = self.cross_entropy(model.head(layers[-1]), batch["label"], batch.get("weight"))
        return {"loss": risk + self.weight * penalty, "penalty": penalty}

    def _layers(self, backbone: Backbone, inputs: Tensor, frozen: int) -> list[Tensor]:
        """Return the activations after each stage from ``frozen`` on, the representation last."""
        if not self.every_stage and not frozen:
            return [backbone(inputs)]
        found = []
        for stage in backbone.stages()[frozen:]:
            inputs = stage(inputs)
            found.append(inputs)
        representation = backbone.pool(inputs)
        return [*found, representation] if self.every_stage else [representation]


def information_bound(
    current: Sequence[Tensor], pretrained: Sequence[Tensor], variances: Sequence[Tensor]
) -> Tensor:
    """Return the sum over places of the negative Gaussian log-likelihood, up to a constant.

    Args:
        current: activations (B, C, ...) of the trained network.
        pretrained: those of the pre-trained network.
        variances: (C,) before the softplus that makes them positive.
    """
    total = current[0].new_zeros(())
    for now, before, raw in zip(current, pretrained, variances, strict=True):
        variance = F.softplus(raw) + LEAST_VARIANCE
        variance = variance.view(1, -1, *[1] * (now.dim() - 2))
        total = total + 0.5 * (variance.log() + (before - now).square() / variance).mean()
    return total
