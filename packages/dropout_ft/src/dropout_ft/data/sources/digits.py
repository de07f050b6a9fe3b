"""Handwritten digits that scikit-learn ships, as pictures (UCI, 1,797 of 8 x 8)."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from holdfast.data.preparing import only_preparer
from holdfast.errors import MissingToolError

Pixels = NDArray[np.uint8]
SIDE = 28
Draw = Callable[[Pixels, int, int], tuple[Image.Image, str]]
"""(grey picture, digit, index in the data set) -> RGB picture and class folder."""


def read_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return grey pictures (N, 28, 28) and their digits (N,).

    Raises:
        MissingToolError: scikit-learn, which ships them, is not installed.
    """
    if find_spec("sklearn") is None:
        raise MissingToolError("The digits come with scikit-learn: `pip install scikit-learn`.")
    from sklearn.datasets import load_digits  # noqa: PLC0415  (an optional package)

    found = load_digits()
    images = [
        np.asarray(Image.fromarray(drawn).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        for drawn in np.asarray(found.images * 15, dtype=np.uint8)
    ]
    return np.stack(images), np.asarray(found.target, dtype=np.int64)


def write_domains(folder: Path, domains: dict[str, Draw]) -> int:
    """Write ``<folder>/<domain>/<class>/<index>.png``; each digit belongs to one domain.

    DomainBed deals the shuffled digits out to the domains in turn, and so does this. The folder is
    built beside its place and renamed, so that a whole one is all there ever is.

    Returns:
        How many pictures there are.
    """
    if folder.is_dir():
        return sum(1 for _ in folder.rglob("*.png"))
    with only_preparer(folder):
        if not folder.is_dir():
            _draw_domains(folder, domains)
    return sum(1 for _ in folder.rglob("*.png"))


def _draw_domains(folder: Path, domains: dict[str, Draw]) -> None:
    images, digits = read_digits()
    order = np.random.default_rng(0).permutation(len(digits))
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    for position, (name, draw) in enumerate(domains.items()):
        for index in order[position :: len(domains)]:
            image, label = draw(images[index], int(digits[index]), int(index))
            target = building / name / label / f"{index:04d}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            image.save(target)
    building.replace(folder)


def grey(image: Pixels) -> Image.Image:
    """Return a grey picture as RGB."""
    return Image.fromarray(image).convert("RGB")
