"""How much of each template cell lies within the target's box (a departure, off by default).

OSTrack's template is a crop with the target in its middle, and nothing says how far the target
reaches: the hand that holds a cup looks like a part of it. The user's box does say it. LoRAT and
SUTrack add a token type embedding for the foreground; here a cell on the border counts in part, so
that a target thinner than a cell has its width, too.
"""

import torch
from torch import Tensor

LEAST = 1e-3
"""Share that a cell outside has in the comparison: its logarithm must be finite."""


def target_share(box_B4: Tensor, grid: int) -> Tensor:
    """Return the share (B, grid * grid) of each template cell that the box covers, in [0, 1].

    Args:
        box_B4: x, y, width, height as fractions of the template crop; zeros where there is no
            template.
        grid: cells on a side; the result counts them row by row.
    """
    start = torch.arange(grid, device=box_B4.device, dtype=box_B4.dtype) / grid
    low, high = box_B4[:, :2], box_B4[:, :2] + box_B4[:, 2:]

    def along(axis: int) -> Tensor:
        first = torch.maximum(start, low[:, axis : axis + 1])
        last = torch.minimum(start + 1 / grid, high[:, axis : axis + 1])
        return (last - first).clamp_min(0) * grid

    return (along(1)[:, :, None] * along(0)[:, None, :]).flatten(1).clamp(0, 1)


def has_target(box_B4: Tensor) -> Tensor:
    """Return 1 for each sample (B,) whose box has an area, else 0."""
    return ((box_B4[:, 2] > 0) & (box_B4[:, 3] > 0)).to(box_B4.dtype)
