"""Very large dropout on the representation, then one linear layer."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.errors import ConfigError

Normalization = Literal["none", "standardize", "unit"]
HARDLY, MANY, ALIKE_FLOOR = 0.01, 0.1, 0.3
"""A feature hardly varies below this part of the root mean square; many are above this fraction of
all (0.04 was the most on nine styles of drawings and photographs, 0.2 on 108 tiny pictures); the
floor of deviations is then this part of the root mean square."""


class VeryLargeDropoutHead(nn.Module):
    """Inverted dropout on the pooled penultimate representation, then ``Linear``.

    Paper section 3.1: the mask is Bernoulli(1 - rate) for each element of each sample, drawn anew
    at every step and scaled by 1 / (1 - rate) while training; at test the head is plain linear.

    ``standardize`` first subtracts a fixed mean and divides by a fixed standard deviation for each
    feature, then multiplies by ``feature_scale``. The statistics are those of the *pre-trained*
    network on the training pictures, measured once by :meth:`calibrate` and never updated.
    A dropout rate of 0.9 multiplies the expected squared norm of the representation by ten, and
    with it the step that the linear layer takes, so features must neither be tiny, as those of
    EfficientNet-Lite0 are (mean about 0.13), nor of unit variance: docs/dropout_ft.md has the
    measurements. At test the three operations fold into the linear layer (:meth:`folded`).

    ``unit`` divides the representation by its length, as CLIP does: with class prompts as weights
    the logits are CLIP's own.

    Args:
        num_features: width F of the representation.
        num_classes: number C of classes.
        dropout_rate: probability of dropping a feature, in [0, 1); the paper's headline is 0.9.
        normalization: ``none`` is the paper's ResNet-50 recipe.
        feature_scale: multiplies the representation; it sets how fast the head moves.
    """

    mean: Tensor
    std: Tensor
    calibrated: Tensor

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        *,
        dropout_rate: float = 0.9,
        normalization: Normalization = "none",
        feature_scale: float = 1.0,
    ) -> None:
        super().__init__()
        if not 0.0 <= dropout_rate < 1.0:
            raise ValueError(f"the dropout rate must be in [0, 1), not {dropout_rate}")
        self.dropout_rate = dropout_rate
        self.normalization = normalization
        self.feature_scale = feature_scale
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("std", torch.ones(num_features))
        # An integer, because weight averaging averages buffers and cannot subtract booleans.
        self.register_buffer("calibrated", torch.tensor(int(normalization != "standardize")))
        self.linear = nn.Linear(num_features, num_classes)

    def normalize(self, features: Tensor) -> Tensor:
        """Standardise (B, F) features, or give them length 1, if so configured, and scale them."""
        if self.normalization == "standardize":
            features = (features - self.mean) / self.std
        elif self.normalization == "unit":
            features = F.normalize(features, dim=-1)
        return features * self.feature_scale if self.feature_scale != 1.0 else features

    def forward(self, features: Tensor) -> Tensor:
        """Map representations (B, F) to logits (B, C)."""
        dropped = F.dropout(self.normalize(features), self.dropout_rate, self.training)
        logits: Tensor = self.linear(dropped)
        return logits

    @torch.no_grad()
    def calibrate(self, features: Tensor) -> bool:
        """Measure the statistics of ``standardize`` on (N, F) pre-trained features.

        Features that hardly vary would be blown up; their deviation is bounded from below by 1e-3
        of the mean deviation. Where many features hardly vary, as on a few pictures that are much
        alike, that is not enough: division by their deviations multiplies the backbone's gradients
        a thousandfold, and fine-tuning diverges. Then the bound is 0.3 of the features' root mean
        square, at which the multiplication is that of ordinary pictures.

        Returns:
            Whether many features hardly vary.
        """
        std = features.std(0)
        scale = float(features.square().mean().sqrt())
        alike = float((std < HARDLY * scale).float().mean()) > MANY
        least = ALIKE_FLOOR * scale if alike else 1e-3 * float(std.mean())
        self.mean.copy_(features.mean(0))
        self.std.copy_(std.clamp_min(least).clamp_min(1e-12))
        self.calibrated.fill_(1)
        return alike

    @torch.no_grad()
    def folded(self) -> tuple[Tensor, Tensor]:
        """Return weight (C, F) and bias (C,) of the plain linear layer equal to this head.

        Raises:
            ConfigError: the features are given length 1, which no linear layer does.
        """
        if self.normalization == "unit":
            raise ConfigError(
                "model.normalization unit divides by the features' length, which no linear layer "
                "does: export to ONNX, or use the checkpoint."
            )
        # In float64: with standardised features the bias is a difference of large numbers.
        weight = self.linear.weight.double() * self.feature_scale
        bias: Tensor = self.linear.bias.double()
        if self.normalization == "standardize":
            weight = weight / self.std.double()
            bias = bias - weight @ self.mean.double()
        return weight.to(self.linear.weight.dtype), bias.to(self.linear.bias.dtype)
