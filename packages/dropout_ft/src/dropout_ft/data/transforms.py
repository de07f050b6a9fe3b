"""The paper's augmentation and DomainBed's evaluation resize, on PIL pictures."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from dropout_ft.data.decoding import Picture, as_image

Transform = Callable[[Any], Tensor]
"""From an image of Pillow's, or from uint8 (H, W, 3) as well: :func:`takes_pixels`."""
Library = Literal["pillow", "opencv"]
"""Who computes: torchvision on Pillow, or :mod:`fast_transforms`."""


def train_transform(
    size: int, interpolation: str = "bilinear", library: Library = "pillow"
) -> Transform:
    """Return the augmentation of the paper's code (DomainBed's ``datasets.py``).

    RandomResizedCrop(scale 0.7 to 1), horizontal flip, ColorJitter(.3, .3, .3, .3), grayscale with
    probability 0.1. The result is uint8 (3, size, size); the model normalises. An interpolation
    that only Pillow has is Pillow's, whatever ``library`` says.
    """
    if library == "opencv":
        from dropout_ft.data.fast_transforms import (  # noqa: PLC0415  (0.3 s)
            INTERPOLATIONS,
            FastTrainTransform,
        )

        if interpolation in INTERPOLATIONS:
            return FastTrainTransform(size, interpolation)
    composed: Transform = v2.Compose(
        [
            v2.RandomResizedCrop(
                size, scale=(0.7, 1.0), interpolation=InterpolationMode(interpolation)
            ),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.3, 0.3, 0.3, 0.3),
            v2.RandomGrayscale(0.1),
            v2.PILToTensor(),
        ]
    )
    return composed


def eval_transform(
    size: int, interpolation: str = "bilinear", library: Library = "pillow"
) -> Transform:
    """Return DomainBed's resize to a square; the aspect ratio is not kept."""
    if library == "opencv":
        from dropout_ft.data.fast_transforms import (  # noqa: PLC0415  (0.3 s)
            INTERPOLATIONS,
            FastEvalTransform,
        )

        if interpolation in INTERPOLATIONS:
            return FastEvalTransform(size, interpolation)
    composed: Transform = v2.Compose(
        [
            v2.Resize((size, size), interpolation=InterpolationMode(interpolation)),
            v2.PILToTensor(),
        ]
    )
    return composed


def apply_seeded(transform: Transform, picture: Picture, seed: int) -> Tensor:
    """Apply a random transform whose draws depend on ``seed`` only; the global state is kept.

    Only the CPU's generator is touched: ``torch.manual_seed`` also writes down the call stack for
    every kind of device that is not in use, which takes a tenth of an image's time.
    """
    generator = torch.default_generator
    state = generator.get_state()
    generator.manual_seed(seed)
    try:
        return transform(picture if takes_pixels(transform) else as_image(picture))
    finally:
        generator.set_state(state)


def takes_pixels(transform: Transform) -> bool:
    """Tell whether a transform also takes uint8 (H, W, 3), which saves the way through Pillow."""
    return bool(getattr(transform, "takes_pixels", False))
