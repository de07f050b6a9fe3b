"""RotatedMNIST's idea on shipped digits: six domains, each turned by another angle."""

from pathlib import Path

from PIL import Image

from dropout_ft.data.known import KNOWN
from dropout_ft.data.sources.digits import Draw, Pixels, grey, write_domains
from dropout_ft.data.sources.known import KnownFolder


def turned(angle: int) -> Draw:
    """Return what draws a digit turned counter-clockwise by an angle in degrees."""

    def draw(image: Pixels, digit: int, index: int) -> tuple[Image.Image, str]:
        return grey(image).rotate(angle, Image.Resampling.BILINEAR), str(digit)

    return draw


class RotatedDigits(KnownFolder):
    """1,797 digits of UCI dealt out to six angles; made on first use.

    These are not MNIST's digits, so figures on them compare with nothing published.

    Args:
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
    """

    def __init__(self, root: str | None = None) -> None:
        super().__init__("RotatedMNIST", root)

    def prepare(self) -> None:
        """Draw the pictures unless they are there."""
        make(self.root)


def make(folder: Path) -> int:
    """Draw the pictures unless they are there; return how many there are."""
    return write_domains(
        folder, {name: turned(int(name)) for name in KNOWN["RotatedMNIST"].domains}
    )
