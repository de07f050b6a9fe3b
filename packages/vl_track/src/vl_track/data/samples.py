"""Pairs as tensors."""

from typing import TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor

from vl_track.data.augment import Pair


class Sample(TypedDict):
    """One pair as tensors.

    ``template`` and ``search`` are crops (3, S, S) uint8 RGB, ``box`` (4,) x, y, w, h as fractions
    of the search crop. ``target`` (4,) is the given box as fractions of the template, zeros if
    none; ``present`` tells whether the object is in the search crop: where it is not, ``box`` means
    nothing. ``prompt`` is 0 for box and sentence, 1 for the box alone, 2 for the
    sentence alone. ``mentions`` are ``PairOptions.mentions`` sentences about other objects, filled
    up with empty ones, and ``mention_boxes`` (M, 4) their boxes. ``distractors`` tells whether
    others of the target's class are there (Scenes). ``index`` numbers the samples of an evaluation.
    """

    template: Tensor
    search: Tensor
    box: Tensor
    target: Tensor
    present: bool
    sentence: str
    prompt: int
    distractors: bool
    index: int
    mentions: list[str]
    mention_boxes: Tensor


def to_sample(pair: Pair, mentions: int, *, index: int = 0, distractors: bool = False) -> Sample:
    """Turn a pair into tensors.

    Args:
        pair: from :func:`vl_track.data.pairs.make_pair`.
        mentions: how many sentences about other objects a sample carries.
        index: of the sample.
        distractors: for the record.
    """
    blank = not pair.template.any()
    gaps = mentions - len(pair.mentions)
    filled = [*pair.mentions, *[("", (0.0, 0.0, 0.0, 0.0))] * gaps]
    return Sample(
        template=_tensor(pair.template),
        search=_tensor(pair.search),
        box=torch.tensor(pair.box, dtype=torch.float32),
        target=torch.tensor(pair.target, dtype=torch.float32),
        present=pair.present,
        sentence=pair.sentence,
        prompt=2 if blank else int(pair.sentence == ""),
        distractors=distractors,
        index=index,
        mentions=[text for text, _ in filled],
        mention_boxes=torch.tensor([where for _, where in filled]).reshape(-1, 4),
    )


def _tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def one_thread(worker: int) -> None:
    """Keep OpenCV to one thread in each loader worker: every one would start as many as cores."""
    cv2.setNumThreads(1)
