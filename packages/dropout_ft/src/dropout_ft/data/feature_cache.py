"""Activations of the frozen stages, computed once and read by every run."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.utils.data import Dataset

from dropout_ft.data.content_key import content_key
from dropout_ft.data.decoding import read_rgb
from dropout_ft.data.transforms import Transform, apply_seeded
from dropout_ft.nn.classifier import Classifier
from holdfast.atomic import atomic_path
from holdfast.seeding import SampleKey, fold_seed
from holdfast.training.datamodule import seeded

PLAIN_VIEW = 0


class ActivationDataset(Dataset[dict[str, Tensor]]):
    """Cached activations with labels.

    Each item has ``input`` float16 (channels, h, w) and the int64 scalars ``label``, ``index``,
    ``domain`` and ``part``.

    Args:
        activations: (1 + views, images, channels, h, w) float16; view 0 is not augmented.
        rows: (N,) number of the image of each sample.
        labels: (N,) class of each sample.
        domains: (N,) position of each sample's domain.
        parts: (N,) what each sample is for.
        plain: read view 0; otherwise the key's seed chooses an augmented view.
    """

    def __init__(
        self,
        activations: np.ndarray,
        rows: np.ndarray,
        labels: np.ndarray,
        domains: np.ndarray,
        parts: np.ndarray,
        *,
        plain: bool,
    ) -> None:
        self.activations = activations
        self.rows = rows
        self.labels = labels
        self.domains = domains
        self.parts = parts
        self.plain = plain

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: SampleKey | int) -> dict[str, Tensor]:
        index, seed = seeded(key)
        view = PLAIN_VIEW if self.plain else 1 + seed % (len(self.activations) - 1)
        return {
            "input": torch.from_numpy(np.array(self.activations[view, self.rows[index]])),
            "label": torch.tensor(int(self.labels[index])),
            "index": torch.tensor(index),
            "domain": torch.tensor(int(self.domains[index])),
            "part": torch.tensor(int(self.parts[index])),
        }


class FeatureCache:
    """A folder of activation files, each named by all that its content depends on.

    Args:
        folder: where the files are kept.
        views: augmented views of each picture, besides the plain one.
        batch_size: pictures run through the frozen stages at a time.
        exif_rotation: turn pictures as their EXIF header says.
        new: where a new file is written, if not among the others.
    """

    def __init__(
        self,
        folder: Path,
        *,
        views: int,
        batch_size: int = 96,
        exif_rotation: bool = False,
        new: Path | None = None,
    ) -> None:
        self.folder = folder
        self.new = new or folder
        self.views = views
        self.batch_size = batch_size
        self.exif_rotation = exif_rotation

    def build(
        self,
        model: Classifier,
        paths: Sequence[Path],
        *,
        plain: Transform,
        augment: Transform,
        root: Path,
    ) -> np.ndarray:
        """Return the activations, computing them if no file of this content exists.

        Returns:
            A read-only memory map (1 + views, pictures, channels, h, w), float16.
        """
        name = f"activations-{self._key(model, paths, plain, augment, root)}.npy"
        target = (self.folder if (self.folder / name).is_file() else self.new) / name
        if not target.is_file():
            with atomic_path(target) as temporary:
                self._compute(model, paths, plain, augment, temporary)
        loaded: np.ndarray = np.load(target, mmap_mode="r")
        return loaded

    def _key(
        self,
        model: Classifier,
        paths: Sequence[Path],
        plain: Transform,
        augment: Transform,
        root: Path,
    ) -> str:
        digest = hashlib.sha256(f"{self.views} {self.exif_rotation} {plain} {augment}".encode())
        digest.update(f"{model.mean.tolist()} {model.std.tolist()} {model.frozen_stages}".encode())
        for name, tensor in model.backbone.trunk(model.frozen_stages).state_dict().items():
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
        return content_key(digest.hexdigest(), paths, root)

    @torch.no_grad()
    def _compute(
        self,
        model: Classifier,
        paths: Sequence[Path],
        plain: Transform,
        augment: Transform,
        file: Path,
    ) -> None:
        was_training = model.training
        model.eval()
        store: np.memmap | None = None
        starts = range(0, len(paths), self.batch_size)
        label = f"caching frozen stages, {1 + self.views} views"
        for start in track(starts, label, disable=not sys.stdout.isatty()):
            images = [
                read_rgb(path, exif_rotation=self.exif_rotation)
                for path in paths[start : start + self.batch_size]
            ]
            for view in range(1 + self.views):
                transform = plain if view == PLAIN_VIEW else augment
                batch = torch.stack(
                    [
                        apply_seeded(transform, image, fold_seed("view", view, start + offset))
                        for offset, image in enumerate(images)
                    ]
                )
                found = model.trunk_activations(batch.to(model.mean.device)).half().cpu().numpy()
                if store is None:
                    shape = (1 + self.views, len(paths), *found.shape[1:])
                    store = np.lib.format.open_memmap(file, "w+", dtype=np.float16, shape=shape)
                store[view, start : start + len(images)] = found
        assert store is not None
        store.flush()
        model.train(was_training)
