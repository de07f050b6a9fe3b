"""FourHands without its packages, for tests that must not download."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from dropout_ft.data.sources import four_hands_drawing as drawing

PER_CLASS = 3


def small_four_hands_root(folder: Path) -> Path:
    """Fill a data root with a few pictures of every domain and class, as if prepared."""
    generator = np.random.default_rng(0)
    kept = sorted({(picture.domain, picture.label) for picture in drawing.pictures()})
    for domain, label in kept:
        place = drawing.dataset_folder(folder) / domain / label
        place.mkdir(parents=True)
        for number in range(PER_CLASS):
            pixels = generator.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / f"{number}.png")
    record = {"format": drawing.FORMAT, "list": drawing.list_digest()}
    (folder / "four_hands.json").write_text(json.dumps(record))
    return folder
