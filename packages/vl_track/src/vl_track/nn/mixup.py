"""Modal mixup: language-injected vision tokens (paper section 3.2)."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Normalize = Literal["unit", "none"]


class ModalMixup(nn.Module):
    """Scale every vision token by the sentence: ``token * l + token``.

    ``l`` is the same for all tokens of a video, so a fixed sentence is one gain per channel.

    Args:
        text_features: C_t of the text vector.
        features: C of the vision tokens.
        normalize: ``unit`` gives ``l`` Euclidean length 1, as the release does: gains then stay
            within about 4 % of one for 768 channels. ``none`` normalises the text vector instead,
            starts from ``l = 0`` (the pre-trained vision model, undisturbed) and lets training
            choose how far to go.
    """

    def __init__(self, text_features: int, features: int, normalize: Normalize = "none") -> None:
        super().__init__()
        self.normalize = normalize
        self.norm = nn.LayerNorm(text_features) if normalize == "none" else nn.Identity()
        self.proj = nn.Linear(text_features, features)
        if normalize == "none":
            nn.init.zeros_(self.proj.weight)
            nn.init.zeros_(self.proj.bias)

    def gain(self, text_BC: Tensor, present_B: Tensor) -> Tensor:
        """Return ``l`` (B, C); zero where there is no sentence."""
        gain: Tensor = self.proj(self.norm(text_BC))
        if self.normalize == "unit":
            gain = F.normalize(gain, dim=-1)
        return gain * present_B[:, None].to(gain.dtype)


def mix(tokens_BNC: Tensor, gain_BC: Tensor) -> Tensor:
    """Return ``token * l + token``."""
    return tokens_BNC * gain_BC[:, None] + tokens_BNC
