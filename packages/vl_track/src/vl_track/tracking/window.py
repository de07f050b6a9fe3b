"""The prior that the object has not moved far."""

import torch
from torch import Tensor


def hann_window(grid: int) -> Tensor:
    """Return the (grid, grid) Hann window of the release: zero just outside the map.

    ``0.5 * (1 - cos(2 pi k / (grid + 1)))`` for k = 1..grid, as an outer product
    (``hann2d`` of OSTrack's ``lib/test/utils/hann.py``).
    """
    k = torch.arange(1, grid + 1, dtype=torch.float32)
    line = 0.5 * (1 - torch.cos(2 * torch.pi * k / (grid + 1)))
    return torch.outer(line, line)
