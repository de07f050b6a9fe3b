"""What every backbone offers, so that ResNets, ViTs and CLIP towers are used alike."""

from dataclasses import dataclass

from torch import Tensor, nn

from holdfast.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How the weights expect their pictures.

    Attributes:
        mean: per channel, in [0, 1] RGB.
        std: per channel, in [0, 1] RGB.
        size: side of the square input in pixels.
        interpolation: ``bilinear`` or ``bicubic``.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int
    interpolation: str


class Backbone(nn.Module):
    """A network from normalised pictures (B, 3, H, W) to representations (B, num_features).

    Attributes:
        num_features: width of the representation.
        preprocessing: what the weights expect.
    """

    num_features: int
    preprocessing: Preprocessing

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised float pictures (B, 3, H, W) to pooled representations (B, F)."""
        raise NotImplementedError

    def stages(self) -> list[nn.Module]:
        """Return modules whose composition is everything before :meth:`pool`.

        Raises:
            ConfigError: this architecture is not a plain sequence.
        """
        raise ConfigError(
            f"{type(self).__name__} cannot be split into stages: set model.frozen_stages to 0 "
            "(and MIRO's every_stage to false)."
        )

    def pool(self, activations: Tensor) -> Tensor:
        """Map the last stage's activations to representations (B, F)."""
        raise NotImplementedError

    def trunk(self, frozen_stages: int) -> nn.Sequential:
        """Return the first ``frozen_stages`` stages."""
        stages = self._checked_stages(frozen_stages)
        return nn.Sequential(*stages[:frozen_stages])

    def forward_top(self, activations: Tensor, frozen_stages: int) -> Tensor:
        """Go on from the trunk's activations to representations (B, F)."""
        for stage in self._checked_stages(frozen_stages)[frozen_stages:]:
            activations = stage(activations)
        return self.pool(activations)

    def _checked_stages(self, frozen_stages: int) -> list[nn.Module]:
        stages = self.stages()
        if not 0 < frozen_stages <= len(stages):
            raise ConfigError(
                f"model.frozen_stages is {frozen_stages}, but this backbone has {len(stages)} "
                f"stages: choose 1 to {len(stages)}, or 0 to train everything."
            )
        return stages
