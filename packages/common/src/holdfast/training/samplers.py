"""Batches as a pure function of (seed, step), whoever computes them; evaluation sees each once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from holdfast.errors import ConfigError
from holdfast.seeding import SampleKey, fold_seed


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the batch of an optimiser step is divided.

    Attributes:
        rank: this process, 0 for a single one.
        ranks: number of processes.
        micro_batches: passes whose gradients are accumulated before a step.
    """

    rank: int = 0
    ranks: int = 1
    micro_batches: int = 1

    def size(self, global_size: int) -> int:
        """Return the samples of one pass on one rank.

        Raises:
            ConfigError: they would not be equally many everywhere.
        """
        parts = self.ranks * self.micro_batches
        if global_size % parts:
            raise ConfigError(
                f"data.global_batch_size is {global_size}, which {self.ranks} processes of "
                f"{self.micro_batches} accumulated batches cannot share equally: give a multiple "
                f"of {parts}."
            )
        return global_size // parts

    def rows(self, global_size: int, micro_batch: int) -> slice:
        """Return which samples of the step this rank sees in one pass."""
        size = self.size(global_size)
        part = micro_batch * self.ranks + self.rank
        return slice(part * size, (part + 1) * size)


class StepBatchSampler(Sampler[list[SampleKey]]):
    """Endless batches; the samples of a step are the same on any number of processes.

    Each step takes ``per_group`` samples, with replacement, from every group (a group is a
    training domain in dropout_ft), as DomainBed's loaders do. No state is kept: a resumed run asks
    for ``start_step`` and gets the batches it would have had.

    Args:
        groups: sample indices of each group.
        per_group: samples drawn from each group for one optimiser step, over all processes.
        seed: the run's seed.
        split: which of them this process sees in each pass.
        start_step: the first optimiser step.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[int] | np.ndarray],
        *,
        per_group: int,
        seed: int,
        split: Split = Split(),
        start_step: int = 0,
    ) -> None:
        if not groups or any(len(group) == 0 for group in groups):
            raise ValueError("every group needs at least one sample")
        self.groups = [np.asarray(group, dtype=np.int64) for group in groups]
        self.per_group = per_group
        self.seed = seed
        self.split = split
        self.start_step = start_step
        split.size(per_group)  # refuses what cannot be shared equally

    def batch(self, step: int, micro_batch: int = 0) -> list[SampleKey]:
        """Return this rank's keys of one pass of optimiser step ``step``, group by group."""
        # The 0 was a rank's number: runs of one process draw what they always drew.
        generator = np.random.default_rng(fold_seed("batch", self.seed, step, 0))
        chosen = self._choose(step, generator)
        seeds = generator.integers(2**62, size=len(chosen) * self.per_group)
        rows = self.split.rows(self.per_group, micro_batch)
        return [
            SampleKey(int(index), int(seed))
            for group, own in zip(chosen, seeds.reshape(len(chosen), -1), strict=True)
            for index, seed in zip(group[rows], own[rows], strict=True)
        ]

    def _choose(self, step: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        """Return ``per_group`` samples of each group."""
        return [group[generator.integers(len(group), size=self.per_group)] for group in self.groups]

    def __iter__(self) -> Iterator[list[SampleKey]]:
        step = self.start_step
        while True:
            for micro_batch in range(self.split.micro_batches):
                yield self.batch(step, micro_batch)
            step += 1


class WindowBatchSampler(StepBatchSampler):
    """Batches from a few shards at a time; like its base a pure function of (seed, step).

    For ``window`` steps each group draws from ``opened`` of its shards, chosen in proportion to
    their size, with replacement; then from others. Over windows every sample is equally likely.

    Args:
        groups: for each group, the sample indices in each of its shards.
        per_group: samples drawn from each group for one optimiser step, over all processes.
        seed: the run's seed.
        split: which of them this process sees in each pass.
        start_step: the first optimiser step.
        opened: shards of a group that are read at a time.
        window: steps for which they are read.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Sequence[int] | np.ndarray]],
        *,
        per_group: int,
        seed: int,
        split: Split = Split(),
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
            split=split,
            start_step=start_step,
        )
        if opened < 1 or window < 1:
            raise ValueError("at least one shard must be open for at least one step")
        self.opened = opened
        self.window = window
        self.ends = [np.cumsum([len(one) for one in group]) for group in shards]

    def _choose(self, step: int, generator: np.random.Generator) -> list[NDArray[np.int64]]:
        chooser = np.random.default_rng(fold_seed("window", self.seed, step // self.window, 0))
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
