"""Position embeddings for grids the backbone was not pre-trained on."""

import torch.nn.functional as F
from torch import Tensor


def resize_grid(positions_1NC: Tensor, grid: int, *, prefix: int = 0) -> Tensor:
    """Interpolate a square grid of position embeddings bicubically, as OSTrack does.

    Args:
        positions_1NC: (1, prefix + g * g, C).
        grid: side of the wanted grid.
        prefix: leading embeddings that belong to no place (class token); dropped.

    Returns:
        (1, grid * grid, C).
    """
    places = positions_1NC[:, prefix:]
    side = round(places.shape[1] ** 0.5)
    if side * side != places.shape[1]:
        raise ValueError(f"{places.shape[1]} position embeddings are not a square grid")
    if side == grid:
        return places
    image = places.reshape(1, side, side, -1).permute(0, 3, 1, 2)
    image = F.interpolate(image, size=(grid, grid), mode="bicubic", align_corners=False)
    return image.permute(0, 2, 3, 1).reshape(1, grid * grid, -1)
