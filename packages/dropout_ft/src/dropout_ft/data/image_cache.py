"""Decoded pictures in one memory map, made once and read by every run and worker."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from dropout_ft.data.content_key import content_key
from dropout_ft.data.decoding import read_rgb
from holdfast.atomic import atomic_path, write_text
from holdfast.errors import DataError


class ImageCache:
    """Pictures as uint8 RGB, their shorter side shrunk to a fixed length.

    Args:
        folder: where caches are kept.
        side: pixels of the shorter side; pictures that are smaller stay as they are.
        exif_rotation: turn pictures as their EXIF header says.
        new: where a new cache is written, if not among the others.
    """

    def __init__(
        self, folder: Path, side: int, *, exif_rotation: bool = False, new: Path | None = None
    ) -> None:
        self.folder = folder
        self.new = new or folder
        self.side = side
        self.exif_rotation = exif_rotation

    def build(self, paths: Sequence[Path], root: Path) -> "CachedImages":
        """Return the pictures, decoding them unless a cache of this very content exists.

        Raises:
            ImageError: a picture cannot be read.
            DiskError: the cache does not fit.
        """
        key = content_key(f"{self.side} {self.exif_rotation}", paths, root)
        name = f"pictures-{key}.bin"
        known = (self.folder / name).with_suffix(".json").is_file()
        target = (self.folder if known else self.new) / name
        index = target.with_suffix(".json")
        if not index.is_file():
            sizes = self._decode(paths, target)
            write_text(index, json.dumps(sizes))
        return CachedImages(target, index)

    def _decode(self, paths: Sequence[Path], target: Path) -> list[tuple[int, int]]:
        sizes = []
        with atomic_path(target) as temporary, temporary.open("wb") as file:
            for path in track(paths, "decoding", disable=not sys.stdout.isatty()):
                image = read_rgb(path, exif_rotation=self.exif_rotation)
                pixels = np.asarray(shrink(image, self.side))
                file.write(pixels.tobytes())
                sizes.append((pixels.shape[0], pixels.shape[1]))
        return sizes


class CachedImages:
    """Random access to the pictures of a cache.

    Args:
        file: their bytes, one after the other.
        index: JSON of [height, width] each.

    Raises:
        DataError: file and index do not fit each other.
    """

    def __init__(self, file: Path, index: Path) -> None:
        sizes = np.array(json.loads(index.read_text()), dtype=np.int64).reshape(-1, 2)
        self.sizes = sizes
        self.starts = np.concatenate([[0], np.cumsum(3 * sizes[:, 0] * sizes[:, 1])])
        if not file.is_file() or file.stat().st_size != self.starts[-1]:
            raise DataError(f"The cache {file} is damaged: delete {index} and run again.")
        self.bytes: NDArray[np.uint8] = np.memmap(file, dtype=np.uint8, mode="r")

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        height, width = self.sizes[index]
        pixels = self.bytes[self.starts[index] : self.starts[index + 1]]
        return pixels.reshape(height, width, 3)


def shrink(image: Image.Image, side: int) -> Image.Image:
    """Shrink a picture so that its shorter side has ``side`` pixels; never enlarge it."""
    short = min(image.size)
    if short <= side:
        return image
    scale = side / short
    size = (max(side, round(image.width * scale)), max(side, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
