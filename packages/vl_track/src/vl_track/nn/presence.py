"""Probability that the target is in the search window (a departure, off by default).

The head's score says how well the best cell beats the others, and it is high on the wrong object of
a picture without the right one. Presence is judged from what the best cell looks like beside the
template's target, from the match with template and sentence there and elsewhere, and from the shape
of the score map.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 64
PEAKS = 3
"""Numbers that describe a map's peak."""


class PresenceInput(NamedTuple):
    """What presence is judged from.

    Attributes:
        search_BSC: search tokens after the transformer.
        target_BC: mean of the template's tokens on the target.
        score_BS: the head's probability of each cell.
        matches_BSM: channels of the match, M of them, possibly none.
        text_BC: the sentence; zeros where there is none.
        given_B2: 1 where there is a template, and 1 where there is a sentence.
    """

    search_BSC: Tensor
    target_BC: Tensor
    score_BS: Tensor
    matches_BSM: Tensor
    text_BC: Tensor
    given_B2: Tensor


class Presence(nn.Module):
    """A small perceptron; its logit over ``temperature`` is calibrated on held-out videos.

    Args:
        features: C of the tokens.
        text_features: C of the sentence's vector.
        matches: M, channels of the match.
        grid: search cells on a side.
    """

    temperature: Tensor

    def __init__(self, features: int, text_features: int, matches: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.token = nn.Linear(features, WIDTH)
        self.target = nn.Linear(features, WIDTH)
        self.text = nn.Linear(text_features, WIDTH)
        numbers = PEAKS * (1 + matches) + matches + 2
        self.judge = nn.Sequential(
            nn.LayerNorm(5 * WIDTH + numbers),
            nn.Linear(5 * WIDTH + numbers, 2 * WIDTH),
            nn.GELU(),
            nn.Linear(2 * WIDTH, 1),
        )
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, given: PresenceInput) -> Tensor:
        """Return the logit (B,) that the target is in the window, calibrated."""
        cell = given.score_BS.argmax(dim=1, keepdim=True)
        best = _at(given.search_BSC, cell)
        token, target = self.token(best), self.target(given.target_BC)
        text = self.text(given.text_BC)
        there = given.given_B2.to(token.dtype)
        target, text = target * there[:, :1], text * there[:, 1:]
        logits = torch.logit(given.score_BS.clamp(1e-4, 1 - 1e-4)).to(token.dtype)
        maps = torch.cat([logits[..., None], given.matches_BSM.to(token.dtype)], dim=-1)
        numbers = [*self._peaks(maps, cell), _at(given.matches_BSM, cell).to(token.dtype), there]
        joined = torch.cat([token, target, text, token * target, token * text, *numbers], dim=1)
        logit: Tensor = self.judge(joined)[:, 0].float() / self.temperature
        return logit

    @torch.no_grad()
    def calibrate(self, temperature: float, shift: float) -> None:
        """Turn the logit into ``logit / temperature + shift``, on top of what was done before."""
        last = self.judge[-1]
        assert isinstance(last, nn.Linear)
        self.temperature.mul_(temperature)
        last.bias.add_(shift * self.temperature)

    def _peaks(self, maps_BSM: Tensor, cell_B1: Tensor) -> list[Tensor]:
        """Return of each map its greatest value, the greatest far from the best cell, its mean."""
        place = torch.arange(maps_BSM.shape[1], device=maps_BSM.device)[None]
        x, y = place % self.grid, torch.div(place, self.grid, rounding_mode="floor")
        own_x, own_y = cell_B1 % self.grid, torch.div(cell_B1, self.grid, rounding_mode="floor")
        near = ((x - own_x).abs() <= 2) & ((y - own_y).abs() <= 2)
        # On a grid so small that nothing is far, the least value stands in.
        far = torch.where(near[..., None], maps_BSM.amin(dim=1, keepdim=True), maps_BSM)
        return [maps_BSM.amax(dim=1), far.amax(dim=1), maps_BSM.mean(dim=1)]


def presence_loss(logit_B: Tensor, present_B: Tensor) -> Tensor:
    """Return the binary cross-entropy, a mean over the samples."""
    return F.binary_cross_entropy_with_logits(logit_B, present_B.to(logit_B.dtype))


def _at(values_BSC: Tensor, cell_B1: Tensor) -> Tensor:
    """Return the values of one cell of each sample: (B, C)."""
    channels = values_BSC.shape[-1]
    return values_BSC.gather(1, cell_B1[..., None].expand(-1, -1, channels))[:, 0]
