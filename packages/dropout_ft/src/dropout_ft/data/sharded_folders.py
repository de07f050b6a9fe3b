"""Domains of pictures in shards: exact resume and DomainBed's splits, few shards open at a time."""

from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from dropout_ft.data.domains import DomainFolders
from dropout_ft.data.folder import Domain
from dropout_ft.data.shards import Shards, ShardTable, read_table
from dropout_ft.data.transforms import Library
from holdfast.training.samplers import WindowBatchSampler


class ShardedFolders(DomainFolders):
    """:class:`DomainFolders` read from the shards of ``dropout-ft data shard``.

    Splits, labels and evaluation are those of the folder the shards were written from. Training
    reads ``open_shards`` shards of each domain for ``window`` steps, then others, drawn from (seed,
    window, rank): a disk or network sees long runs of neighbours, a resumed run sees the very
    batches it would have seen, and every picture is as likely as any other.

    Args:
        root: folder of the shards.
        test_domains: names or positions of the domains left out of training.
        open_shards: shards of each domain that a rank draws from at a time.
        window: steps until others are drawn.
        batch_size: see :class:`DomainFolders`, also for what follows.
        trial_seed: DomainBed's split seed.
        holdout_fraction: share of each domain's ``out`` part.
        image_size: side in pixels; by default what the backbone's data config says.
        val_augment: augment the i.i.d. validation pictures, as the official code does.
        eval_pictures: evaluate at most this many pictures of each part of each domain.
        augmentation: ``pillow`` or ``opencv``.
        num_workers: loader processes on each rank.
        eval_batch_size: pictures in an evaluation batch.
    """

    def __init__(
        self,
        root: str,
        test_domains: list[str | int],
        open_shards: int = 4,
        window: int = 100,
        batch_size: int = 32,
        trial_seed: int = 0,
        holdout_fraction: float = 0.2,
        image_size: int | None = None,
        val_augment: bool = True,
        eval_pictures: int = 0,
        augmentation: Library = "pillow",
        num_workers: int = 0,
        eval_batch_size: int = 128,
    ) -> None:
        super().__init__(
            root=root,
            test_domains=test_domains,
            batch_size=batch_size,
            trial_seed=trial_seed,
            holdout_fraction=holdout_fraction,
            image_size=image_size,
            val_augment=val_augment,
            eval_pictures=eval_pictures,
            augmentation=augmentation,
            num_workers=num_workers,
            eval_batch_size=eval_batch_size,
        )
        self.open_shards = open_shards
        self.window = window
        self._shards = Shards(self.root)
        self._contents: ShardTable | None = None

    @property
    def contents(self) -> ShardTable:
        """What the shards hold."""
        if self._contents is None:
            self._contents = read_table(self.root)
        return self._contents

    @property
    def class_names(self) -> list[str]:
        """The classes, in label order."""
        return self.contents.classes

    @property
    def domain_names(self) -> list[str]:
        """The domains, in order."""
        return [domain.name for domain in self.contents.domains]

    def list_domains(self) -> list[Domain]:
        """Return every domain's pictures."""
        return self.contents.domains

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the endless training loader."""
        chunks = self._shards.chunk_of()
        groups = [
            [group[chunks[group] == chunk] for chunk in np.unique(chunks[group])]
            for group in self._groups
        ]
        start, rank, _ = self._position()
        sampler = WindowBatchSampler(
            groups, per_group=self.batch_size, seed=self.seed, rank=rank, start_step=start,
            opened=self.open_shards, window=self.window,
        )  # fmt: skip
        return self.batch_loader(self._train_set, sampler, identity=self._identity)

    def _decoded(self, paths: list[Path]) -> Shards:
        return self._shards
