"""DomainBed's data sets in miniature: the right folders, a few small pictures each."""

from pathlib import Path

import numpy as np
from PIL import Image

from dropout_ft.data.known import KNOWN, KnownSet


def miniature(known: KnownSet, root: Path, *, classes: int = 3, per_class: int = 5) -> Path:
    """Write a data set's domains below ``root``; return its folder."""
    generator = np.random.default_rng(len(known.name))
    folder = root / known.folder
    for domain in known.domains:
        for label in range(classes):
            place = folder / domain / f"class_{label}"
            place.mkdir(parents=True)
            for number in range(per_class):
                pixels = generator.integers(0, 255, (24, 30, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")
    return folder


def miniatures(root: Path) -> Path:
    """Write every known data set below ``root``; return it."""
    for known in KNOWN.values():
        miniature(known, root)
    return root
