"""Modal mixup: vision tokens scaled by the sentence (paper section 3.2)."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

TextNorm = Literal["layer", "unit"]


class ModalMixup(nn.Module):
    """Scale every vision token by the sentence: ``token * l + token``.

    ``l`` is the same for all tokens of a video, so a fixed sentence is one gain per channel.

    Args:
        text_features: C_t of the text vector.
        features: C of the vision tokens.
        text_norm: ``unit`` gives ``l`` Euclidean length 1, as the release does: gains then stay
            within about 4 % of one for 768 channels. ``layer`` normalises the text vector by a
            LayerNorm instead and starts from ``l = 0``, so that training begins with the
            pre-trained vision model and chooses the size of the gains.
    """

    def __init__(self, text_features: int, features: int, text_norm: TextNorm = "layer") -> None:
        super().__init__()
        self.text_norm = text_norm
        self.norm = nn.LayerNorm(text_features) if text_norm == "layer" else nn.Identity()
        self.proj = nn.Linear(text_features, features)
        if text_norm == "layer":
            nn.init.zeros_(self.proj.weight)
            nn.init.zeros_(self.proj.bias)

    def gain(self, text_BC: Tensor, present_B: Tensor) -> Tensor:
        """Return ``l`` (B, C); zero where there is no sentence."""
        gain: Tensor = self.proj(self.norm(text_BC))
        if self.text_norm == "unit":
            gain = F.normalize(gain, dim=-1)
        return gain * present_B[:, None].to(gain.dtype)


def mix(tokens_BNC: Tensor, gain_BC: Tensor) -> Tensor:
    """Return ``token * l + token``."""
    return tokens_BNC * gain_BC[:, None] + tokens_BNC
