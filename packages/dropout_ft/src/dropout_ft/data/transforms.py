"""The paper's augmentation and DomainBed's evaluation resize, on PIL pictures."""

from collections.abc import Callable
from typing import Literal

import torch
from PIL.Image import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

Transform = Callable[[Image], Tensor]
Library = Literal["pillow", "opencv"]
"""Who computes the augmentation: torchvision on Pillow, or :mod:`fast_transforms`."""


def train_transform(
    size: int, interpolation: str = "bilinear", library: Library = "pillow"
) -> Transform:
    """Return the augmentation of the paper's code (DomainBed's ``datasets.py``).

    RandomResizedCrop(scale 0.7 to 1), horizontal flip, ColorJitter(.3, .3, .3, .3), grayscale with
    probability 0.1. The result is uint8 (3, size, size); the model normalises. OpenCV interpolates
    bilinearly or by area, whatever ``interpolation`` says.
    """
    if library == "opencv":
        from dropout_ft.data.fast_transforms import FastTrainTransform  # noqa: PLC0415  (0.3 s)

        return FastTrainTransform(size)
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
        from dropout_ft.data.fast_transforms import FastEvalTransform  # noqa: PLC0415  (0.3 s)

        return FastEvalTransform(size)
    composed: Transform = v2.Compose(
        [
            v2.Resize((size, size), interpolation=InterpolationMode(interpolation)),
            v2.PILToTensor(),
        ]
    )
    return composed


def apply_seeded(transform: Transform, image: Image, seed: int) -> Tensor:
    """Apply a random transform whose draws depend on ``seed`` only; the global state is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transform(image)
