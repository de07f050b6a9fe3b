"""Batches as a pure function of (seed, step, rank), and evaluation that sees each sample once."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from holdfast.seeding import SampleKey, fold_seed


class StepBatchSampler(Sampler[list[SampleKey]]):
    """Endless batches; batch ``step`` is the same whether the run was interrupted or not.

    Each batch takes ``per_group`` samples, with replacement, from every group (a group is a
    training domain in dropout_ft), as DomainBed's loaders do. No state is kept: a resumed run asks
    for ``start_step`` and gets the batches it would have had.

    Args:
        groups: sample indices of each group.
        per_group: samples drawn from each group for one batch on one rank.
        seed: the run's seed.
        rank: this process, 0 for a single one.
        start_step: the first batch to produce, counted in batches since the run began.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[int] | np.ndarray],
        *,
        per_group: int,
        seed: int,
        rank: int = 0,
        start_step: int = 0,
    ) -> None:
        if not groups or any(len(group) == 0 for group in groups):
            raise ValueError("every group needs at least one sample")
        self.groups = [np.asarray(group, dtype=np.int64) for group in groups]
        self.per_group = per_group
        self.seed = seed
        self.rank = rank
        self.start_step = start_step

    def batch(self, step: int) -> list[SampleKey]:
        """Return the ``len(groups) * per_group`` keys of batch ``step``, group by group."""
        generator = np.random.default_rng(fold_seed("batch", self.seed, step, self.rank))
        chosen = np.concatenate(self._choose(step, generator))
        seeds = generator.integers(2**62, size=len(chosen))
        return [SampleKey(int(index), int(seed)) for index, seed in zip(chosen, seeds, strict=True)]

    def _choose(self, step: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        """Return ``per_group`` samples of each group."""
        return [group[generator.integers(len(group), size=self.per_group)] for group in self.groups]

    def __iter__(self) -> Iterator[list[SampleKey]]:
        step = self.start_step
        while True:
            yield self.batch(step)
            step += 1


class WindowBatchSampler(StepBatchSampler):
    """Batches from a few shards at a time; like its base a pure function of (seed, step, rank).

    For ``window`` steps each group draws from ``opened`` of its shards, chosen in proportion to
    their size, with replacement; then from others. Over windows every sample is equally likely.

    Args:
        groups: for each group, the sample indices in each of its shards.
        per_group: samples drawn from each group for one batch on one rank.
        seed: the run's seed.
        rank: this process, 0 for a single one; ranks open shards of their own.
        start_step: the first batch to produce.
        opened: shards of a group that are read at a time.
        window: steps for which they are read.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Sequence[int] | np.ndarray]],
        *,
        per_group: int,
        seed: int,
        rank: int = 0,
        start_step: int = 0,
        opened: int = 4,
        window: int = 100,
    ) -> None:
        shards = [
            [np.asarray(one, dtype=np.int64) for one in group if len(one)] for group in groups
        ]
        super().__init__(
            [np.concatenate(group) if group else [] for group in shards],
            per_group=per_group,
            seed=seed,
            rank=rank,
            start_step=start_step,
        )
        if opened < 1 or window < 1:
            raise ValueError("at least one shard must be open for at least one step")
        self.opened = opened
        self.window = window
        self.ends = [np.cumsum([len(one) for one in group]) for group in shards]

    def _choose(self, step: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        chooser = np.random.default_rng(
            fold_seed("window", self.seed, step // self.window, self.rank)
        )
        chosen = []
        for group, ends in zip(self.groups, self.ends, strict=True):
            # The shard of a uniform sample is chosen in proportion to its size.
            shards = np.searchsorted(ends, chooser.integers(len(group), size=self.opened), "right")
            which = shards[generator.integers(self.opened, size=self.per_group)]
            starts = np.where(which > 0, ends[which - 1], 0)
            chosen.append(group[generator.integers(starts, ends[which])])
        return chosen


class EvaluationSampler(Sampler[SampleKey]):
    """This rank's share of ``0..count-1``, padded so that every rank has equally many.

    Equal counts keep DDP and FSDP in step; the padding repeats samples, which
    :class:`~holdfast.training.indexed_logits.IndexedLogits` counts once: it stores them by index.

    Args:
        count: number of samples over all ranks.
        rank: this process.
        world_size: number of processes.
        seed: the run's seed, for augmented evaluation.
        step: tells the current step, so that augmented views differ between evaluations as in the
            official code and are still reproducible.
        rows: (M,) the samples to see; all of ``0..count-1`` by default.
    """

    def __init__(
        self,
        count: int,
        *,
        rank: int = 0,
        world_size: int = 1,
        seed: int = 0,
        step: Callable[[], int] = lambda: 0,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        self.rows = np.arange(count) if rows is None else rows
        self.count = len(self.rows)
        self.rank = rank
        self.world_size = world_size
        self.seed = seed
        self.step = step

    def __len__(self) -> int:
        return (self.count + self.world_size - 1) // self.world_size

    def __iter__(self) -> Iterator[SampleKey]:
        step = self.step()
        for position in range(len(self)):
            index = int(self.rows[(position * self.world_size + self.rank) % self.count])
            yield SampleKey(index, fold_seed("evaluation", self.seed, step, index))
