"""What every head offers: maps from search features, boxes from maps, and the loss of both."""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

Maps = Any
"""A NamedTuple of tensors, batch first: whatever a head computes and then reads boxes from."""


class HeadLosses(NamedTuple):
    """Scalars that the training weighs and adds, and the mean IoU of the decoded boxes.

    Attributes:
        score: of what says where the object is.
        giou: one minus the generalised IoU of the box.
        l1: mean absolute difference of the box's corners, as fractions of the search crop.
        iou: without gradient; it is logged, and selects checkpoints.
    """

    score: Tensor
    giou: Tensor
    l1: Tensor
    iou: Tensor


class Head(nn.Module):
    """Base: subclasses set ``maps`` and implement ``forward``, :meth:`decode` and :meth:`loss`.

    Whatever builds a network calls the class with the first two arguments; further ones are the
    head's options, which a configuration gives as ``init_args``.

    ``forward(search_BSC)`` maps search features (B, F * F, C), row by row, to ``maps``. Under mixed
    precision it returns float32.

    Args:
        in_channels: C of the features, matching channels included.
        grid: F, cells on a side.

    Attributes:
        maps: the NamedTuple that ``forward`` returns: one or more tensors, batch first. Other
            runtimes compute its tensors, in its order.
    """

    maps: ClassVar[Callable[..., Maps]]

    def __init__(self, in_channels: int, grid: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.grid = grid

    def decode(self, maps: Maps, weight_FF: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read the best box of each sample.

        Args:
            maps: from ``forward``.
            weight_FF: multiplies the scores of the cells before the best is chosen (Hann window);
                a head without scores of cells ignores it.

        Returns:
            Boxes (B, 4) as centre x, centre y, width, height, as fractions of the search crop, and
            their scores (B,) in (0, 1), without the weight.
        """
        raise NotImplementedError

    def scores(self, maps: Maps) -> Tensor:
        """Return the probability of each cell, (B, F * F), row by row; a head may have none."""
        raise NotImplementedError

    @property
    def has_scores(self) -> bool:
        """Whether the head has a probability of each cell."""
        return type(self).scores is not Head.scores

    def loss(self, maps: Maps, boxes_B4: Tensor) -> HeadLosses:
        """Compare maps with the truth.

        Args:
            maps: from ``forward``.
            boxes_B4: true x, y, width, height as fractions of the search crop; a box may reach
                beyond the crop.
        """
        raise NotImplementedError


HeadMaker = Callable[[int, int], Head]
"""Makes a head from ``in_channels`` and ``grid``: a class, or a class with its options set."""


def row_of(maps: Maps, index: int) -> Maps:
    """Return one sample of a head's maps, as a batch of one."""
    return type(maps)(*(value[index : index + 1] for value in maps))


def rows_where(maps: Maps, chosen_B: Tensor) -> Maps:
    """Return the samples of a head's maps for which ``chosen_B`` (bool) is true."""
    return type(maps)(*(value[chosen_B] for value in maps))
