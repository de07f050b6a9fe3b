"""Pictures in, logits out: preprocessing, backbone and head in one module."""

from typing import Self

import torch
from torch import Tensor, nn

from dropout_ft.nn.backbones.base import Backbone
from dropout_ft.nn.batch_norm import freeze_batch_norm_statistics
from dropout_ft.nn.head import VeryLargeDropoutHead


class Classifier(nn.Module):
    """A backbone and a head behind the preprocessing that the weights expect.

    Args:
        backbone: maps normalised pictures to representations.
        head: maps representations to logits.
        frozen_stages: the backbone's first stages that are not trained; 0 trains all of it.
        freeze_batch_norm: keep the BatchNorm statistics of the pre-trained network.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        head: VeryLargeDropoutHead,
        *,
        frozen_stages: int = 0,
        freeze_batch_norm: bool = True,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.frozen_stages = frozen_stages
        self.freeze_batch_norm = freeze_batch_norm
        prep = backbone.preprocessing
        self.register_buffer("mean", torch.tensor(prep.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(prep.std).view(1, -1, 1, 1), persistent=False)
        if frozen_stages:
            backbone.trunk(frozen_stages).requires_grad_(requires_grad=False)
        self.train()

    def normalize(self, images: Tensor) -> Tensor:
        """Map uint8 RGB pictures (B, 3, H, W) to what the backbone expects, in float."""
        return (images.to(self.mean.dtype) / 255 - self.mean) / self.std

    def features(self, inputs: Tensor) -> Tensor:
        """Map uint8 pictures (B, 3, H, W) or float trunk activations to representations (B, F)."""
        if inputs.dtype == torch.uint8:
            features: Tensor = self.backbone(self.normalize(inputs))
            return features
        return self.backbone.forward_top(inputs.to(self.mean.dtype), self.frozen_stages)

    def mixable(self, inputs: Tensor) -> Tensor:
        """Return what may be averaged: normalised pictures, or trunk activations, in float."""
        if inputs.dtype == torch.uint8:
            return self.normalize(inputs)
        return inputs.to(self.mean.dtype)

    def features_of_mixed(self, mixed: Tensor, *, images: bool) -> Tensor:
        """Map mixtures of what :meth:`mixable` returns to representations (B, F)."""
        if images:
            features: Tensor = self.backbone(mixed)
            return features
        return self.backbone.forward_top(mixed, self.frozen_stages)

    def trunk_activations(self, images: Tensor) -> Tensor:
        """Map uint8 pictures (B, 3, H, W) to the activations after the frozen stages."""
        activations: Tensor = self.backbone.trunk(self.frozen_stages)(self.normalize(images))
        return activations

    def forward(self, inputs: Tensor) -> Tensor:
        """Map uint8 pictures (B, 3, H, W), or float trunk activations, to logits (B, C)."""
        logits: Tensor = self.head(self.features(inputs))
        return logits

    def train(self, mode: bool = True) -> Self:
        """Switch mode; frozen parts stay in evaluation mode."""
        super().train(mode)
        if mode and self.freeze_batch_norm:
            freeze_batch_norm_statistics(self.backbone)
        if mode and self.frozen_stages:
            self.backbone.trunk(self.frozen_stages).eval()
        return self
