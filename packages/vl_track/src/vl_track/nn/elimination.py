"""Candidate elimination: dropping search tokens the template does not attend to (OSTrack)."""

import math
from typing import NamedTuple

from torch import Tensor


class Kept(NamedTuple):
    """Search tokens that go on, and where they came from."""

    tokens_BKC: Tensor
    index_BK: Tensor


def template_centre(grid: int) -> int:
    """Return the flat index of the template's centre token, as OSTrack's CTR_POINT.

    The release takes row and column 3 of 8 and 5 of 12: the cell left above the middle.
    """
    middle = (grid - 1) // 2
    return middle * grid + middle


def eliminate(
    search_BSC: Tensor, index_BS: Tensor, attention_BHZS: Tensor, centre: int, keep_ratio: float
) -> Kept:
    """Keep the search tokens that the template's centre attends to most.

    Args:
        search_BSC: search tokens that are still there.
        index_BS: their places in the full search grid, int64.
        attention_BHZS: attention of template queries over these search tokens, per head.
        centre: index of the template token that decides.
        keep_ratio: share of the tokens present that is kept, in (0, 1]; rounded up.

    Returns:
        The kept tokens, most attended first, and their places.
    """
    count = search_BSC.shape[1]
    keep = math.ceil(keep_ratio * count)
    if keep == count:
        return Kept(search_BSC, index_BS)
    score_BS = attention_BHZS[:, :, centre].mean(dim=1)
    order_BK = score_BS.argsort(dim=1, descending=True, stable=True)[:, :keep]
    channels = search_BSC.shape[2]
    tokens = search_BSC.gather(1, order_BK[..., None].expand(-1, -1, channels))
    return Kept(tokens, index_BS.gather(1, order_BK))


def restore(tokens_BKC: Tensor, index_BK: Tensor, count: int) -> Tensor:
    """Scatter kept tokens back to their places (B, count, C); the others are zero."""
    batch, _, channels = tokens_BKC.shape
    full = tokens_BKC.new_zeros(batch, count, channels)
    return full.scatter(1, index_BK[..., None].expand(-1, -1, channels), tokens_BKC)


def keep_ratio_at(epoch: float, *, final: float, start: int = 20, length: int = 80) -> float:
    """Return the training schedule of the keep ratio: 1, then a cosine to ``final``.

    Args:
        epoch: passes over the data so far.
        final: ratio at the end, used at test.
        start: first epoch of the fall (paper's release: 20).
        length: epochs it takes (80).
    """
    if epoch < start:
        return 1.0
    done = min(1.0, (epoch - start) / length) if length else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * done))
    return final + (1 - final) * cosine
