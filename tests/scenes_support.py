"""A small world of Scenes: shapes over painted pictures, no download."""

from pathlib import Path

import numpy as np
from PIL import Image

from vl_track.data.scenes.photographs import FOLDER
from vl_track.data.scenes.world import SceneWorld


def painted_root(folder: Path, count: int = 8) -> Path:
    """Fill a data root with colourful pictures that stand for photographs."""
    place = folder / FOLDER
    place.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(count):
        small = generator.integers(0, 255, (9, 12, 3), dtype=np.uint8)
        Image.fromarray(small).resize((240, 180), Image.Resampling.BICUBIC).save(
            place / f"{number}.png"
        )
    return folder


def small_world(folder: Path, split: str = "train", **options: object) -> SceneWorld:
    """Open a world of small, short videos below ``folder``."""
    settings: dict[str, object] = {"frame_size": (160, 120), "frames": 30, **options}
    return SceneWorld.open(folder, split, **settings)  # type: ignore[arg-type]
