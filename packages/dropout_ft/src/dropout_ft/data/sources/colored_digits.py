"""ColoredMNIST's idea on shipped digits: the colour lies about the label by domain.

Arjovsky et al. 2019: the label is whether the digit is below five, flipped with probability 0.25;
the colour agrees with it in 90 %, 80 % and 10 % of the cases, domain by domain.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from dropout_ft.data.sources.digits import Draw, Pixels, write_domains
from dropout_ft.data.sources.known import KnownFolder
from holdfast.seeding import fold_seed

LABEL_NOISE = 0.25
DISAGREEMENT = {"a_plus_90": 0.1, "b_plus_80": 0.2, "c_minus_90": 0.9}


def coloured(name: str, disagreement: float) -> Draw:
    """Return what draws a red or green digit of a domain."""

    def draw(image: Pixels, digit: int, index: int) -> tuple[Image.Image, str]:
        generator = np.random.default_rng(fold_seed("coloured digit", name, index))
        label = int(digit < 5) ^ int(generator.random() < LABEL_NOISE)
        colour = label ^ int(generator.random() < disagreement)
        pixels = np.zeros((*image.shape, 3), dtype=np.uint8)
        pixels[..., colour] = image
        return Image.fromarray(pixels), str(label)

    return draw


class ColoredDigits(KnownFolder):
    """1,797 digits of UCI in two colours and two classes; made on first use.

    These are not MNIST's digits, so figures on them compare with nothing published.

    Args:
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
    """

    def __init__(self, root: str | None = None) -> None:
        super().__init__("ColoredMNIST", root)

    def prepare(self) -> None:
        """Draw the pictures unless they are there."""
        make(self.root)


def make(folder: Path) -> int:
    """Draw the pictures unless they are there; return how many there are."""
    return write_domains(folder, {name: coloured(name, p) for name, p in DISAGREEMENT.items()})
