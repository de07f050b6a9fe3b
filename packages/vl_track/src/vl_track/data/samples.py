"""Pairs as tensors."""

from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from vl_track.data.augment import Pair


class Sample(TypedDict):
    """One pair as tensors: crops (3, S, S) uint8 RGB, box (4,) x, y, w, h in shares.

    ``told`` is 0 for box and sentence, 1 for the box alone, 2 for the sentence alone. ``mentions``
    are ``PairOptions.mentions`` sentences about other objects, empty ones to fill up, and
    ``mention_boxes`` (M, 4) their boxes. ``crowd``: distractors of the target's kind (Scenes).
    """

    template: Tensor
    search: Tensor
    box: Tensor
    sentence: str
    told: int
    crowd: bool
    mentions: list[str]
    mention_boxes: Tensor


def to_sample(pair: Pair, mentions: int, *, crowd: bool = False) -> Sample:
    """Turn a pair into tensors.

    Args:
        pair: from :func:`vl_track.data.pairs.make_pair`.
        mentions: how many sentences about other objects a sample carries.
        crowd: for the record.
    """
    blank = not pair.template.any()
    gaps = mentions - len(pair.mentions)
    filled = [*pair.mentions, *[("", (0.0, 0.0, 0.0, 0.0))] * gaps]
    return Sample(
        template=_tensor(pair.template),
        search=_tensor(pair.search),
        box=torch.tensor(pair.box, dtype=torch.float32),
        sentence=pair.sentence,
        told=2 if blank else int(pair.sentence == ""),
        crowd=crowd,
        mentions=[said for said, _ in filled],
        mention_boxes=torch.tensor([where for _, where in filled]).reshape(-1, 4),
    )


def _tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
