"""Functions that the losses of heads are made of, and the pointing loss of the text encoder."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

MIN_OVERLAP = 0.7


def pointing_loss(
    similar_BS: Tensor, boxes_B4: Tensor, present_B: Tensor, temperature: float = 0.1
) -> Tensor:
    """Ask that the sentence resembles the target's search token more than any other's.

    A departure (docs: Switches): cross-entropy over the search tokens, for samples with a sentence.

    Args:
        similar_BS: cosines, row by row over the grid.
        boxes_B4: x, y, width, height in shares of the search crop.
        present_B: which samples have a sentence.
        temperature: divides the cosines.
    """
    if not bool(present_B.any()):
        return similar_BS.sum() * 0
    grid = math.isqrt(similar_BS.shape[1])
    centre = (boxes_B4[:, :2] + boxes_B4[:, 2:] / 2) * grid
    cell = centre.floor().clamp(0, grid - 1).long()
    place = cell[:, 1] * grid + cell[:, 0]
    return F.cross_entropy(similar_BS[present_B].float() / temperature, place[present_B])


def silence_loss(scores_BS: Tensor) -> Tensor:
    """Ask that no cell scores high where the object is absent: the focal loss of all cells.

    Args:
        scores_BS: probabilities of the cells of samples without the object.

    Returns:
        A mean over the samples; 0 without samples.
    """
    scores = scores_BS.float().clamp(1e-6, 1 - 1e-4)
    loss = -(scores**2 * (1 - scores).log()).sum(dim=1)
    return loss.sum() / max(len(loss), 1)


def centre_to_corners(boxes_B4: Tensor) -> Tensor:
    """Turn centre x, centre y, width, height into x0, y0, x1, y1."""
    half = boxes_B4[:, 2:] / 2
    return torch.cat([boxes_B4[:, :2] - half, boxes_B4[:, :2] + half], dim=1)


def corners_of(boxes_B4: Tensor) -> Tensor:
    """Turn x, y, w, h into x0, y0, x1, y1."""
    return torch.cat([boxes_B4[:, :2], boxes_B4[:, :2] + boxes_B4[:, 2:]], dim=1)


def focal_loss(score_BFF: Tensor, target_BFF: Tensor, alpha: float = 2, beta: float = 4) -> Tensor:
    """CenterNet's focal loss, divided by the number of cells that are exactly 1."""
    score = score_BFF.float()
    positive = target_BFF == 1
    hit = (1 - score) ** alpha * score.log() * positive
    miss = (1 - target_BFF) ** beta * score**alpha * (1 - score).log() * ~positive
    return -(hit.sum() + miss.sum()) / positive.sum().clamp_min(1)


def gaussian_target(boxes_B4: Tensor, grid: int) -> Tensor:
    """Draw CornerNet's Gaussian around each box's centre cell: (B, F, F), 1 at the centre.

    Args:
        boxes_B4: x, y, width, height in shares of the crop.
        grid: F.
    """
    cells = boxes_B4.float() * grid
    centre = (cells[:, :2] + cells[:, 2:] / 2).round().clamp(0, grid - 1)
    radius = gaussian_radius(cells[:, 3].ceil(), cells[:, 2].ceil()).clamp_min(0).floor()
    sigma = (2 * radius + 1) / 6
    axis = torch.arange(grid, device=cells.device, dtype=torch.float32)
    along_x = axis[None] - centre[:, :1]
    along_y = axis[None] - centre[:, 1:]
    inside = (along_x.abs() <= radius[:, None])[:, None] & (along_y.abs() <= radius[:, None])[
        ..., None
    ]
    distance = along_x[:, None] ** 2 + along_y[..., None] ** 2
    return torch.exp(-distance / (2 * sigma**2)[:, None, None]) * inside


def gaussian_radius(height: Tensor, width: Tensor, overlap: float = MIN_OVERLAP) -> Tensor:
    """Return CornerNet's radius: how far corners may move and still overlap by ``overlap``.

    The three cases of the paper's appendix are quadratic equations; the release takes
    ``(b + sqrt(b^2 - 4ac)) / 2`` for each, without dividing by a, and so do we.
    """
    total = height + width
    area = height * width
    b1, c1 = total, area * (1 - overlap) / (1 + overlap)
    b2, c2 = 2 * total, (1 - overlap) * area
    b3, c3 = -2 * overlap * total, (overlap - 1) * area
    first = (b1 + (b1**2 - 4 * c1).clamp_min(0).sqrt()) / 2
    second = (b2 + (b2**2 - 16 * c2).clamp_min(0).sqrt()) / 2
    third = (b3 + (b3**2 - 16 * overlap * c3).clamp_min(0).sqrt()) / 2
    return torch.stack([first, second, third]).amin(dim=0)


def generalised_iou(one_B4: Tensor, other_B4: Tensor) -> tuple[Tensor, Tensor]:
    """Return IoU and GIoU (B,) of boxes given by corners.

    Predicted corners may be out of order only by rounding: sizes come through a sigmoid.
    """
    low = torch.maximum(one_B4[:, :2], other_B4[:, :2])
    high = torch.minimum(one_B4[:, 2:], other_B4[:, 2:])
    overlap = (high - low).clamp_min(0).prod(dim=1)
    areas = [(box[:, 2:] - box[:, :2]).prod(dim=1) for box in (one_B4, other_B4)]
    union = (areas[0] + areas[1] - overlap).clamp_min(1e-9)
    hull_low = torch.minimum(one_B4[:, :2], other_B4[:, :2])
    hull_high = torch.maximum(one_B4[:, 2:], other_B4[:, 2:])
    hull = (hull_high - hull_low).prod(dim=1).clamp_min(1e-9)
    iou = overlap / union
    return iou, iou - (hull - union) / hull
