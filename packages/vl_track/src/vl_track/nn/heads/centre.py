"""The centre head: score, offset and size of the target in every search cell (OSTrack)."""

import itertools
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vl_track.nn.heads.base import Head, HeadLosses
from vl_track.nn.losses import (
    centre_to_corners,
    corners_of,
    focal_loss,
    gaussian_target,
    generalised_iou,
)

EPSILON = 1e-4


class CentreMaps(NamedTuple):
    """The head's maps over F x F cells.

    Attributes:
        score_B1FF: probability that the target's centre is there, in [1e-4, 1 - 1e-4].
        size_B2FF: width and height as fractions of the search crop, in the same range.
        offset_B2FF: centre within the cell, x and y in cells.
    """

    score_B1FF: Tensor
    size_B2FF: Tensor
    offset_B2FF: Tensor


class CentreHead(Head):
    """Three stacks of 3x3 convolutions on the search features (OSTrack).

    Args:
        in_channels: C of the features, matching channels included.
        grid: F, cells on a side.
        channels: width of the first convolution; it halves three times (paper: 256).
    """

    maps = CentreMaps

    def __init__(self, in_channels: int, grid: int, channels: int = 256) -> None:
        super().__init__(in_channels, grid)
        self.score = _branch(in_channels, channels, 1)
        self.offset = _branch(in_channels, channels, 2)
        self.size = _branch(in_channels, channels, 2)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, search_BSC: Tensor) -> CentreMaps:
        """Map search tokens (B, F * F, C), row by row, to float32 maps under any precision."""
        batch, _, channels = search_BSC.shape
        image = search_BSC.transpose(1, 2).reshape(batch, channels, self.grid, self.grid)
        image = image.contiguous()
        return CentreMaps(
            _probability(self.score(image)),
            _probability(self.size(image)),
            self.offset(image).float(),
        )

    def decode(self, maps: CentreMaps, weight_FF: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read the box at the best cell; see :meth:`Head.decode`."""
        score = maps.score_B1FF.flatten(1)
        grid = maps.score_B1FF.shape[-1]
        weighted = score if weight_FF is None else score * weight_FF.flatten()
        cell = weighted.argmax(dim=1, keepdim=True)
        size = maps.size_B2FF.flatten(2).gather(2, cell[:, None].expand(-1, 2, -1))[..., 0]
        offset = maps.offset_B2FF.flatten(2).gather(2, cell[:, None].expand(-1, 2, -1))[..., 0]
        cell_xy = torch.cat([cell % grid, torch.div(cell, grid, rounding_mode="floor")], dim=1)
        centre = (cell_xy.to(offset.dtype) + offset) / grid
        return torch.cat([centre, size], dim=1), score.gather(1, cell)[:, 0]

    def scores(self, maps: CentreMaps) -> Tensor:
        """Return the probability of each cell; see :meth:`Head.scores`."""
        return maps.score_B1FF.flatten(1)

    def loss(self, maps: CentreMaps, boxes_B4: Tensor) -> HeadLosses:
        """Focal loss of the score map, GIoU and L1 of the box at the best predicted cell.

        As ``lib/train/actors/ostrack.py`` of OSTrack; parts of a box outside the crop are cut.
        """
        corners = corners_of(boxes_B4).clamp(0, 1)
        predicted = centre_to_corners(self.decode(maps)[0])
        iou, giou = generalised_iou(predicted, corners)
        target = gaussian_target(boxes_B4, maps.score_B1FF.shape[-1])
        return HeadLosses(
            score=focal_loss(maps.score_B1FF[:, 0], target),
            giou=(1 - giou).mean(),
            l1=F.l1_loss(predicted, corners),
            iou=iou.mean().detach(),
        )


def _probability(logits: Tensor) -> Tensor:
    # In bfloat16 the upper bound would round to 1, whose logarithm in the focal loss is infinite.
    return logits.float().sigmoid().clamp(EPSILON, 1 - EPSILON)


def _branch(in_channels: int, channels: int, out_channels: int) -> nn.Sequential:
    widths = [in_channels, channels, channels // 2, channels // 4, channels // 8]
    layers: list[nn.Module] = [
        nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())
        for a, b in itertools.pairwise(widths)
    ]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], out_channels, 1))
