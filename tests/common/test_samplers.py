"""The samples of a step depend on (seed, step) only; evaluation sees each sample once."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.training.samplers import (
    EvaluationSampler,
    Split,
    StepBatchSampler,
    WindowBatchSampler,
)

GROUPS = [[0, 1, 2], [3, 4, 5, 6]]


def sampler(**options: Any) -> StepBatchSampler:
    settings = {"per_group": 4, "seed": 0, **options}
    return StepBatchSampler(GROUPS, **settings)


def test_a_resumed_sampler_goes_on_where_the_first_would_be() -> None:
    whole = list(islice(sampler(), 20))
    assert list(islice(sampler(start_step=13), 7)) == whole[13:]


@pytest.mark.parametrize("change", [{"seed": 1}, {"start_step": 1}])
def test_seed_and_step_each_change_the_batch(change: dict[str, int]) -> None:
    assert next(iter(sampler())) != next(iter(sampler(**change)))


DIVISIONS = [(1, 1), (2, 1), (3, 1), (4, 1), (1, 4), (2, 3), (4, 3)]


@pytest.mark.parametrize(("ranks", "micro_batches"), DIVISIONS)
@pytest.mark.parametrize("sampler_class", [StepBatchSampler, WindowBatchSampler])
def test_a_step_has_the_same_samples_however_it_is_divided(
    ranks: int, micro_batches: int, sampler_class: type[StepBatchSampler]
) -> None:
    """Case B13: each rank drew its own, so four GPUs trained on other samples than one."""
    groups: Any = GROUPS if sampler_class is StepBatchSampler else SHARDS
    whole = sampler_class(groups, per_group=12, seed=3)
    passes = [
        islice(
            sampler_class(
                groups,
                per_group=12,
                seed=3,
                split=Split(rank=rank, ranks=ranks, micro_batches=micro_batches),
            ),
            3 * micro_batches,
        )
        for rank in range(ranks)
    ]
    seen = [key for batches in passes for batch in batches for key in batch]
    assert sorted(seen) == sorted(key for batch in islice(whole, 3) for key in batch)


def test_every_part_of_a_step_takes_equally_many_of_each_group() -> None:
    for rank in range(3):
        for batch in islice(sampler(per_group=6, split=Split(rank=rank, ranks=3)), 20):
            assert [key.sample in GROUPS[0] for key in batch] == [True, True, False, False]


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"global_batch_size is 4.*multiple of 6"):
        sampler(split=Split(ranks=3, micro_batches=2))


def test_each_group_fills_its_share() -> None:
    for batch in islice(sampler(), 50):
        assert all(key.sample in GROUPS[0] for key in batch[:4])
        assert all(key.sample in GROUPS[1] for key in batch[4:])


def test_draws_are_uniform_with_replacement() -> None:
    counts = dict.fromkeys(GROUPS[1], 0)
    repeated = False
    for batch in islice(sampler(), 2000):
        drawn = [key.sample for key in batch[4:]]
        repeated |= len(set(drawn)) < len(drawn)
        for index in drawn:
            counts[index] += 1
    assert repeated
    assert all(abs(count - 2000) < 150 for count in counts.values())


def test_augmentation_seeds_do_not_repeat() -> None:
    seeds = [key.seed for batch in islice(sampler(), 200) for key in batch]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("groups", [[], [[1], []]])
def test_empty_groups_are_refused(groups: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        StepBatchSampler(groups, per_group=1, seed=0)


@given(count=st.integers(1, 40), world=st.integers(1, 7))
def test_every_sample_on_some_rank_and_equal_counts(count: int, world: int) -> None:
    ranks = [list(EvaluationSampler(count, rank=r, world_size=world)) for r in range(world)]
    assert {len(rank) for rank in ranks} == {-(-count // world)}
    assert {key.sample for rank in ranks for key in rank} == set(range(count))


def test_evaluation_seed_depends_on_step_and_index_but_not_on_the_rank() -> None:
    one = {key.sample: key.seed for key in EvaluationSampler(9, step=lambda: 5)}
    two = {
        key.sample: key.seed
        for rank in range(2)
        for key in EvaluationSampler(9, rank=rank, world_size=2, step=lambda: 5)
    }
    assert one == two
    later = {key.sample: key.seed for key in EvaluationSampler(9, step=lambda: 6)}
    assert all(one[i] != later[i] for i in one)


def test_an_evaluation_of_some_samples_draws_for_them_what_one_of_all_does() -> None:
    all_of_them = {key.sample: key.seed for key in EvaluationSampler(9, step=lambda: 5)}
    rows = np.array([1, 4, 5])
    for world in (1, 2):
        keys = [
            key
            for rank in range(world)
            for key in EvaluationSampler(9, rank=rank, world_size=world, step=lambda: 5, rows=rows)
        ]
        assert {key.sample: key.seed for key in keys} == {n: all_of_them[n] for n in rows}
        assert len(keys) == -(-3 // world) * world


SHARDS = [[[0, 1, 2], [3], [4, 5]], [[6, 7], [8, 9, 10, 11]]]


def windows(**options: Any) -> WindowBatchSampler:
    settings = {"per_group": 6, "seed": 0, "opened": 2, "window": 5, **options}
    return WindowBatchSampler(SHARDS, **settings)


def test_a_window_reads_few_shards_and_the_next_reads_others() -> None:
    shard_of = {sample: n for n, shard in enumerate(SHARDS[0] + SHARDS[1]) for sample in shard}
    seen = []
    for number in range(40):
        keys = [key for step in range(5) for key in windows().batch(5 * number + step)]
        used = {shard_of[key.sample] for key in keys}
        assert len(used & {0, 1, 2}) <= 2
        assert len(used & {3, 4}) <= 2
        seen.append(frozenset(used))
    assert len(set(seen)) > 3


def test_over_windows_every_sample_is_equally_likely() -> None:
    counts = np.zeros(12)
    for number in range(3000):
        for key in windows().batch(5 * number):
            counts[key.sample] += 1
    # 3,000 windows of 6 draws: 3,000 of each of the first six; draws of a window are correlated.
    assert np.allclose(counts, 3000, rtol=0.12)


@pytest.mark.parametrize("change", [{"seed": 1}, {"start_step": 1}])
def test_windows_depend_on_seed_and_step(change: dict[str, int]) -> None:
    assert next(iter(windows())) != next(iter(windows(**change)))
    whole = list(islice(windows(), 20))
    assert list(islice(windows(start_step=13), 7)) == whole[13:]


@pytest.mark.parametrize("change", [{"opened": 0}, {"window": 0}])
def test_no_shard_or_no_step_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        windows(**change)


def test_empty_shards_are_left_out() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        WindowBatchSampler([[[]], [[1]]], per_group=1, seed=0)
    sampler = WindowBatchSampler([[[], [5], []]], per_group=3, seed=0)
    assert [key.sample for key in sampler.batch(0)] == [5, 5, 5]
