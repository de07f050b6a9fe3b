"""Miniatures of WILDS' downloads, in their layouts."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image


def _image(path: Path, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(generator.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path)


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def miniature_camelyon17(root: Path, per_class: int = 6) -> Path:
    """Five hospitals; the first column has no name, as pandas writes an index."""
    generator, folder, rows = np.random.default_rng(0), root / "camelyon17_v1.0", []
    for center in range(5):
        for number in range(2 * per_class):
            patient = 4 + 20 * center
            node = f"patient_{patient:03d}_node_4"
            x, y = 3328 + 32 * number, 21792
            _image(folder / f"patches/{node}/patch_{node}_x_{x}_y_{y}.png", generator)
            rows.append({
                "": len(rows), "patient": f"{patient:03d}", "node": 4, "x_coord": x, "y_coord": y,
                "tumor": number % 2, "slide": 10 * center, "center": center, "split": 0,
            })  # fmt: skip
    _write(folder / "metadata.csv", rows)
    return root


def miniature_iwildcam(root: Path, per_class: int = 6) -> Path:
    """Five parts of three groups of cameras; class 2 is before the first group only."""
    generator, folder, rows = np.random.default_rng(0), root / "iwildcam_v2.0", []
    for place, split in enumerate(("train", "id_val", "id_test", "val", "test")):
        for number in range(3 * per_class):
            label = number % (3 if place < 3 else 2)
            name = f"{split}-{number:03d}.jpg"
            _image(folder / "train" / name, generator)
            rows.append({
                "split": split, "location_remapped": place, "location": 100 + place,
                "sequence_remapped": 0, "y": label, "category_id": label, "filename": name,
                "datetime": "2013-06-05 05:44:19",
            })  # fmt: skip
    _write(folder / "metadata.csv", rows)
    return root
