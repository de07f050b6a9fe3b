"""Similarity of search tokens to the target's tokens in the template (a departure, off by default).

OSTrack's head sees search features only; what they know of the template came through attention. On
a small data set the head learns faster if it also gets how much each search token resembles the
target, as correlation trackers do.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vl_track.nn.foreground import LEAST

CHANNELS = {"none": 0, "target": 2, "target_and_text": 3}
TEMPERATURE = 0.1


class TextMatch(nn.Module):
    """Cosine of each search token with sentences, in a space of their own.

    Args:
        features: C of the search tokens.
        text_features: C_t of the text vector.
    """

    def __init__(self, features: int, text_features: int) -> None:
        super().__init__()
        self.text = nn.Sequential(nn.LayerNorm(text_features), nn.Linear(text_features, features))
        self.vision = nn.Sequential(
            nn.Linear(features, features), nn.GELU(), nn.Linear(features, features)
        )

    def forward(self, search_BSC: Tensor, text_BMC: Tensor) -> Tensor:
        """Return (B, S, M) for M sentences of each sample."""
        vision = F.normalize(self.vision(search_BSC), dim=-1)
        return vision @ F.normalize(self.text(text_BMC), dim=-1).transpose(1, 2)


class TargetCells(NamedTuple):
    """Flat places of the template's cells, int64; fixed, so that the network can be exported.

    Attributes:
        on_T: those on the target.
        around_R: the others; empty where a template of two cells a side has no surroundings.
    """

    on_T: Tensor
    around_R: Tensor


def target_cells(grid: int, factor: float) -> TargetCells:
    """Return which template cells lie on the target.

    The template crop is ``factor`` times the target's side, so the middle 1/factor of each axis
    is on it, at least two cells.
    """
    half = max(1.0, grid / factor / 2)
    place = (torch.arange(grid) + 0.5 - grid / 2).abs() <= half
    on = (place[:, None] & place[None]).flatten()
    return TargetCells(on.nonzero()[:, 0], (~on).nonzero()[:, 0])


def match(template_BZC: Tensor, search_BSC: Tensor, cells: TargetCells) -> Tensor:
    """Compare each search token with the target's tokens and with their surroundings.

    Returns:
        (B, S, 2): cosine to the most similar target token, and to the mean target token, with the
        most similar surrounding token's subtracted from the first.
    """
    search = F.normalize(search_BSC, dim=-1)
    template = F.normalize(template_BZC, dim=-1)
    similar = search @ template.transpose(1, 2)
    target = similar[..., cells.on_T]
    best = _soft_max(target)
    if len(cells.around_R):
        best = best - _soft_max(similar[..., cells.around_R])
    return torch.stack([best, target.mean(dim=-1)], dim=-1)


def match_share(template_BZC: Tensor, search_BSC: Tensor, share_BZ: Tensor) -> Tensor:
    """Compare as :func:`match` does, where the target's share of each template cell is known.

    Args:
        template_BZC: template tokens.
        search_BSC: search tokens.
        share_BZ: how much of each cell the target's box covers, in [0, 1].

    Returns:
        (B, S, 2); a cell counts for the target by its share and for the surroundings by the rest.
    """
    search = F.normalize(search_BSC, dim=-1)
    similar = search @ F.normalize(template_BZC, dim=-1).transpose(1, 2)
    share = share_BZ[:, None].to(similar.dtype)
    best = _soft_max(similar, share) - _soft_max(similar, 1 - share)
    mean = (similar * share).sum(dim=-1) / share.sum(dim=-1).clamp_min(LEAST)
    return torch.stack([best, mean], dim=-1)


def _soft_max(values: Tensor, weight: Tensor | None = None) -> Tensor:
    if weight is not None:
        values = values + TEMPERATURE * weight.clamp_min(LEAST).log()
    return TEMPERATURE * torch.logsumexp(values / TEMPERATURE, dim=-1)
