"""A data set of images whose augmentation is a function of each sample's key."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from dropout_ft.data.decoding import Picture, read_picture
from dropout_ft.data.sources.base import Decoded
from dropout_ft.data.transforms import Transform, apply_seeded
from holdfast.seeding import SampleKey
from holdfast.training.datamodule import seeded

Batch = dict[str, Tensor]


class ImageDataset(Dataset[Batch]):
    """Images with labels; the augmentation of a sample depends on its key's seed only.

    Each item has ``input`` uint8 (3, H, W) and the int64 scalars ``label``, ``index``, ``domain``
    and ``part`` (:class:`~dropout_ft.data.table.Part`): all that is needed to score it.

    Args:
        paths: the files.
        labels: (N,) classes.
        transforms: of each image.
        domains: (N,) position of each image's domain.
        parts: (N,) what each image is for.
        decoded: images by number and, for each path, its number among them; None reads the files.
        exif_rotation: turn the files' images as their EXIF header says.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: NDArray[np.int64],
        transforms: Sequence[Transform],
        domains: NDArray[np.int64],
        parts: NDArray[np.int64],
        decoded: tuple[Decoded, NDArray[np.int64]] | None = None,
        *,
        exif_rotation: bool = False,
    ) -> None:
        self.paths = paths
        self.labels = labels
        self.transforms = transforms
        self.domains = domains
        self.parts = parts
        self.decoded = decoded
        self.exif_rotation = exif_rotation

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, key: SampleKey | int) -> Batch:
        index, seed = seeded(key)
        return {
            "input": apply_seeded(self.transforms[index], self._image(index), seed),
            "label": torch.tensor(int(self.labels[index])),
            "index": torch.tensor(index),
            "domain": torch.tensor(int(self.domains[index])),
            "part": torch.tensor(int(self.parts[index])),
        }

    def _image(self, index: int) -> Picture:
        if self.decoded is None:
            return read_picture(self.paths[index], exif_rotation=self.exif_rotation)
        images, numbers = self.decoded
        return images[int(numbers[index])]
