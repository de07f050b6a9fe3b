"""An MLP head: every search token says whether the object is there, and how far its sides are.

The form is LoRAT's (Lin et al. 2024, section 3.3): one multi-layer perceptron for the score and one
for the distances from the token's cell to the four sides, without convolutions. The score is
trained to be the overlap of the token's own box.
"""

import itertools
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vl_track.nn.heads.base import Head, HeadLosses
from vl_track.nn.losses import centre_to_corners, corners_of, generalised_iou

EPSILON = 1e-4
RARE = 0.01
"""Score of every cell before training: few cells hold the object."""


class MLPMaps(NamedTuple):
    """What the tokens say, for F x F cells row by row.

    Attributes:
        score_BS: probability that the cell's box is the object's, in [1e-4, 1 - 1e-4].
        sides_BS4: distances from the cell's centre to the left, top, right and bottom side, as
            fractions of the search crop, in [0, 1].
    """

    score_BS: Tensor
    sides_BS4: Tensor


class MLPHead(Head):
    """Two perceptrons, shared by all search tokens.

    Args:
        in_channels: C of the features, matching channels included.
        grid: F, cells on a side.
        channels: width of the hidden layers.
        layers: of each perceptron, 1 or more (paper: 3).
    """

    maps = MLPMaps
    centres: Tensor

    def __init__(self, in_channels: int, grid: int, channels: int = 256, layers: int = 3) -> None:
        super().__init__(in_channels, grid)
        widths = (in_channels, *[channels] * (layers - 1))
        self.score = _perceptron(*widths, 1, bias=math.log(RARE / (1 - RARE)))
        self.sides = _perceptron(*widths, 4, bias=-2.0)  # an eighth of the crop
        axis = (torch.arange(grid) + 0.5) / grid
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("centres", torch.stack([x, y], dim=-1).flatten(0, 1), persistent=False)

    def forward(self, search_BSC: Tensor) -> MLPMaps:
        """Map search tokens (B, F * F, C), row by row, to float32 maps under any precision."""
        score = self.score(search_BSC)[..., 0].float().sigmoid()
        return MLPMaps(score.clamp(EPSILON, 1 - EPSILON), self.sides(search_BSC).float().sigmoid())

    def decode(self, maps: MLPMaps, weight_FF: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read the box of the best cell; see :meth:`Head.decode`."""
        weighted = maps.score_BS if weight_FF is None else maps.score_BS * weight_FF.flatten()
        cell = weighted.argmax(dim=1, keepdim=True)
        best = self._corners(maps).gather(1, cell[..., None].expand(-1, -1, 4))[:, 0]
        box = torch.cat([(best[:, :2] + best[:, 2:]) / 2, best[:, 2:] - best[:, :2]], dim=1)
        return box, maps.score_BS.gather(1, cell)[:, 0]

    def scores(self, maps: MLPMaps) -> Tensor:
        """Return the probability of each cell; see :meth:`Head.scores`."""
        return maps.score_BS

    def loss(self, maps: MLPMaps, boxes_B4: Tensor) -> HeadLosses:
        """Cross-entropy of the scores with the boxes' overlap; GIoU and L1 of the object's cells.

        The object's cells are those whose centre lies in its box, and the one that its centre lies
        in. Parts of a box outside the crop are cut.
        """
        truth = corners_of(boxes_B4).clamp(0, 1)
        inside = self._inside(truth)
        sample = inside.nonzero()[:, 0]
        predicted, wanted = self._corners(maps)[inside], truth[sample]
        iou, giou = generalised_iou(predicted, wanted)
        target = torch.zeros_like(maps.score_BS)
        target[inside] = iou.detach().clamp(0, 1)
        # A large object has more cells than a small one; each sample counts the same.
        share = 1 / inside.sum(dim=1).to(iou.dtype)[sample] / len(truth)
        entropy = F.binary_cross_entropy(maps.score_BS, target, reduction="none").sum(dim=1)
        best = centre_to_corners(self.decode(maps)[0])
        return HeadLosses(
            score=(entropy / inside.sum(dim=1)).mean(),
            giou=((1 - giou) * share).sum(),
            l1=((predicted - wanted).abs().mean(dim=1) * share).sum(),
            iou=generalised_iou(best, truth)[0].mean().detach(),
        )

    def _corners(self, maps: MLPMaps) -> Tensor:
        """Return the box of every cell: (B, S, 4) as x0, y0, x1, y1."""
        low, high = maps.sides_BS4[..., :2], maps.sides_BS4[..., 2:]
        return torch.cat([self.centres - low, self.centres + high], dim=-1)

    def _inside(self, corners_B4: Tensor) -> Tensor:
        """Return which cells are the object's: bool (B, S), at least one in each sample."""
        low, high = corners_B4[:, None, :2], corners_B4[:, None, 2:]
        inside = ((self.centres > low) & (self.centres < high)).all(dim=-1)
        centre = ((corners_B4[:, :2] + corners_B4[:, 2:]) / 2 * self.grid).floor()
        cell = centre.clamp(0, self.grid - 1).long()
        return inside.scatter(1, (cell[:, 1] * self.grid + cell[:, 0])[:, None], value=True)


def _perceptron(*widths: int, bias: float) -> nn.Sequential:
    """Make linear layers with ReLU between them; the last one starts from ``bias``."""
    *steps, last = itertools.pairwise(widths)
    hidden = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in steps]
    output = nn.Linear(*last)
    nn.init.constant_(output.bias, bias)
    return nn.Sequential(*hidden, output)
