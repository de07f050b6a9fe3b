"""A Lightning data module whose training samples depend on (seed, step) and on nothing else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from holdfast.seeding import SampleKey, fold_seed
from holdfast.training.samplers import EvaluationSampler, Split, StepBatchSampler
from holdfast.training.shared_batches import SharedBatches, collated, shared


class StepDataModule(LightningDataModule):
    """Base of every data module here: endless step-indexed training, exactly-once evaluation.

    Data sets receive a :class:`holdfast.seeding.SampleKey` and draw their augmentation from its
    seed, so worker processes and restarts do not change a single pixel.

    Args:
        num_workers: loader processes on each rank.
        eval_batch_size: samples in an evaluation batch.

    Attributes:
        seed: the run's seed; the command line sets it from ``seed_everything``.
        worker_init: is called in each loader worker with its number, before anything else.
    """

    worker_init: Callable[[int], None] | None = None

    def __init__(self, *, num_workers: int = 0, eval_batch_size: int = 128) -> None:
        super().__init__()
        self.num_workers = num_workers
        self.eval_batch_size = eval_batch_size
        self.seed = 0
        self._whole_steps = False

    def step_loader(
        self,
        dataset: Dataset[Any],
        groups: Sequence[Sequence[int] | np.ndarray],
        *,
        per_group: int,
        identity: str | None = None,
    ) -> DataLoader[Any]:
        """Return the training loader, starting at the trainer's current step.

        Args:
            dataset: indexed by :class:`SampleKey`.
            groups: sample indices of each group; a step takes ``per_group`` from each.
            per_group: samples from each group for one optimiser step, over all processes.
            identity: everything besides the keys that decides what a sample looks like; with it,
                batches are shared with other runs where ``HOLDFAST_STREAM`` names a folder.
        """
        start, split = self.position()
        sampler = StepBatchSampler(
            groups, per_group=per_group, seed=self.seed, split=split, start_step=start
        )
        return self.batch_loader(dataset, sampler, identity=identity)

    def batch_loader(
        self,
        dataset: Dataset[Any],
        sampler: Sampler[list[SampleKey]],
        *,
        identity: str | None = None,
    ) -> DataLoader[Any]:
        """Return a loader of a sampler's batches; arguments as for :meth:`step_loader`."""
        dataset = shared(dataset, identity)
        return DataLoader(
            dataset,
            batch_sampler=sampler,
            collate_fn=collated if isinstance(dataset, SharedBatches) else None,
            num_workers=self.num_workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.num_workers > 0,
            worker_init_fn=self.worker_init,
            generator=self._worker_generator(),
        )

    def evaluation_loader(
        self, dataset: Dataset[Any], count: int, *, rows: NDArray[np.int64] | None = None
    ) -> DataLoader[Any]:
        """Return a loader over ``dataset[0..count-1]`` in which every rank has equally many.

        Args:
            dataset: indexed by :class:`SampleKey`.
            count: number of samples.
            rows: the samples to see; all by default.
        """
        _, split = self.position()
        sampler = EvaluationSampler(
            count,
            rank=split.rank,
            world_size=split.ranks,
            seed=self.seed,
            step=lambda: self.position()[0],
            rows=rows,
        )
        return DataLoader(
            dataset,
            batch_size=self.eval_batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.num_workers > 0,
            worker_init_fn=self.worker_init,
            generator=self._worker_generator(),
        )

    @contextmanager
    def whole_steps(self) -> Iterator[None]:
        """Make training loaders, while the block runs, whose batches are those of whole steps.

        Every rank then sees the same samples, in batches that no accumulation divides.
        """
        self._whole_steps = True
        try:
            yield
        finally:
            self._whole_steps = False

    def position(self) -> tuple[int, Split]:
        """Return the optimiser steps so far, and how a step's batch is divided."""
        trainer = self.trainer
        if trainer is None:
            return 0, Split()
        if self._whole_steps:
            return trainer.global_step, Split()
        return trainer.global_step, Split(
            rank=trainer.global_rank,
            ranks=trainer.world_size,
            micro_batches=trainer.accumulate_grad_batches,
        )

    def _worker_generator(self) -> torch.Generator:
        # Without its own generator a loader would draw from, and so disturb, the global one.
        return torch.Generator().manual_seed(fold_seed("workers", self.seed))


def seeded(key: SampleKey | int) -> SampleKey:
    """Accept a plain index, as interactive users give, and add a seed that depends on it."""
    return key if isinstance(key, SampleKey) else SampleKey(key, fold_seed("sample", key))
