"""The paper's augmentation with OpenCV on uint8 arrays: several times faster, not bit for bit.

The draws have torchvision's distributions, the resize has Pillow's filter. What differs is
rounding: within 1 of 255 for the resize, within 2 for each operation on colours, and a hue of 8
bits as Pillow's, rounded to other steps.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from dropout_ft.data.decoding import Picture, Pixels

JITTER = 0.3
GRAY = 0.1
SCALE = (0.7, 1.0)
RATIO = (3 / 4, 4 / 3)
TRIES = 10
INTERPOLATIONS = ("bilinear", "bicubic")
"""What PyTorch computes on uint8 with Pillow's filters."""
LUMA = (0.299, 0.587, 0.114)


class Draw(NamedTuple):
    """What is drawn for one picture.

    Attributes:
        box: top, left, height, width of the crop.
        flip: mirror it.
        order: of brightness (0), contrast (1), saturation (2) and hue (3).
        brightness: factor.
        contrast: factor.
        saturation: factor.
        hue: shift in turns, in [-0.5, 0.5].
        gray: drop the colour.
    """

    box: tuple[int, int, int, int]
    flip: bool
    order: tuple[int, ...]
    brightness: float
    contrast: float
    saturation: float
    hue: float
    gray: bool


class FastTrainTransform:
    """RandomResizedCrop(0.7 to 1), flip, ColorJitter(.3, .3, .3, .3), grayscale 0.1.

    Draws come from torch's generator, as torchvision's, so seeding works alike.

    Args:
        size: side of the result in pixels.
        interpolation: one of :data:`INTERPOLATIONS`.
    """

    takes_pixels = True

    def __init__(self, size: int, interpolation: str = "bilinear") -> None:
        self.size, self.interpolation = size, interpolation

    def __call__(self, picture: Picture) -> Tensor:
        """Return uint8 (3, size, size)."""
        pixels = np.asarray(picture)
        drawn = draw(pixels.shape[0], pixels.shape[1])
        return as_tensor(apply(pixels, drawn, self.size, self.interpolation))

    def __repr__(self) -> str:
        """Return every setting: caches are named by it."""
        return (
            f"{type(self).__name__}(size={self.size}, {self.interpolation}, scale={SCALE}, "
            f"ratio={RATIO}, jitter={JITTER}, gray={GRAY})"
        )


class FastEvalTransform:
    """Resize to a square, the aspect ratio not kept.

    Args:
        size: side of the result in pixels.
        interpolation: one of :data:`INTERPOLATIONS`.
    """

    takes_pixels = True

    def __init__(self, size: int, interpolation: str = "bilinear") -> None:
        self.size, self.interpolation = size, interpolation

    def __call__(self, picture: Picture) -> Tensor:
        """Return uint8 (3, size, size)."""
        return as_tensor(resize(np.asarray(picture), self.size, self.interpolation))

    def __repr__(self) -> str:
        """Return every setting: caches are named by it."""
        return f"{type(self).__name__}(size={self.size}, {self.interpolation})"


def draw(height: int, width: int) -> Draw:
    """Draw an augmentation for a picture of that size."""
    box = draw_crop(height, width)
    u = torch.rand(6).tolist()
    return Draw(
        box=box,
        flip=u[0] < 0.5,
        order=tuple(torch.randperm(4).tolist()),
        brightness=1 + JITTER * (2 * u[1] - 1),
        contrast=1 + JITTER * (2 * u[2] - 1),
        saturation=1 + JITTER * (2 * u[3] - 1),
        hue=JITTER * (2 * u[4] - 1),
        gray=u[5] < GRAY,
    )


def draw_crop(height: int, width: int) -> tuple[int, int, int, int]:
    """Draw top, left, height, width as torchvision's RandomResizedCrop does."""
    low, high = (math.log(value) for value in RATIO)
    for share, shape, y, x in torch.rand(TRIES, 4).tolist():
        area = height * width * (SCALE[0] + (SCALE[1] - SCALE[0]) * share)
        ratio = math.exp(low + (high - low) * shape)
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top, left = int(y * (height - h + 1)), int(x * (width - w + 1))
            return min(top, height - h), min(left, width - w), h, w
    return central_crop(height, width)


def central_crop(height: int, width: int) -> tuple[int, int, int, int]:
    """Return the middle of a picture that is too long for any crop, at the nearest ratio."""
    ratio = min(max(width / height, RATIO[0]), RATIO[1])
    w, h = min(width, round(height * ratio)), min(height, round(width / ratio))
    return (height - h) // 2, (width - w) // 2, h, w


def apply(pixels: Pixels, draw: Draw, size: int, interpolation: str = "bilinear") -> Pixels:
    """Carry out a draw on RGB uint8 (H, W, 3); returns (size, size, 3)."""
    top, left, height, width = draw.box
    out = resize(pixels[top : top + height, left : left + width], size, interpolation)
    if draw.flip:
        out = cv2.flip(out, 1)
    steps = (
        lambda x: blend(x, 0.0, draw.brightness),
        lambda x: blend(x, float(luma(x).mean()), draw.contrast),
        lambda x: saturate(x, draw.saturation),
        lambda x: shift_hue(x, draw.hue),
    )
    for number in draw.order:
        out = steps[number](out)
    return cv2.cvtColor(luma(out), cv2.COLOR_GRAY2RGB) if draw.gray else out


def resize(pixels: Pixels, size: int, interpolation: str = "bilinear") -> Pixels:
    """Resize to a square with Pillow's antialiased filter, computed by PyTorch: within 1 of 255."""
    # A copy: a crop has gaps between its rows, and a cached picture must not be written to.
    batch = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]
    resized = interpolate(batch, (size, size), mode=interpolation, antialias=True)
    found: Pixels = resized[0].permute(1, 2, 0).contiguous().numpy()
    return found


def blend(pixels: Pixels, other: float, factor: float) -> Pixels:
    """Return ``factor * pixels + (1 - factor) * other``, rounded and clipped."""
    table = np.arange(256) * factor + (1 - factor) * other
    found: Pixels = cv2.LUT(pixels, np.clip(table + 0.5, 0, 255).astype(np.uint8))
    return found


def luma(pixels: Pixels) -> Pixels:
    """Return the grey picture (H, W)."""
    found: Pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return found


def saturate(pixels: Pixels, factor: float) -> Pixels:
    """Move away from the grey picture by a factor."""
    matrix = np.eye(3) * factor + (1 - factor) * np.tile(LUMA, (3, 1))
    found: Pixels = cv2.transform(pixels, matrix)
    return found


def shift_hue(pixels: Pixels, turns: float) -> Pixels:
    """Shift the hue by a part of a turn, with 8 bits for the hue as Pillow's HSV has."""
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL)
    table = (np.arange(256) + round(turns * 255)) % 256
    hsv[..., 0] = cv2.LUT(hsv[..., 0], table.astype(np.uint8))
    found: Pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)
    return found


def as_tensor(pixels: Pixels) -> Tensor:
    """Return (3, H, W) without changing a value."""
    return torch.from_numpy(
        np.stack(cv2.split(pixels))
    )  # numpy's transpose takes ten times as long
