"""Batches depend on (seed, step, rank) only; evaluation sees each sample once."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.data.samplers import EvaluationSampler, StepBatchSampler

GROUPS = [[0, 1, 2], [3, 4, 5, 6]]


def sampler(**options: int) -> StepBatchSampler:
    settings = {"per_group": 4, "seed": 0, **options}
    return StepBatchSampler(GROUPS, **settings)  # type: ignore[arg-type]


def test_a_resumed_sampler_goes_on_where_the_first_would_be() -> None:
    whole = list(islice(sampler(), 20))
    assert list(islice(sampler(start_step=13), 7)) == whole[13:]


@pytest.mark.parametrize("change", [{"seed": 1}, {"rank": 1}, {"start_step": 1}])
def test_seed_rank_and_step_each_change_the_batch(change: dict[str, int]) -> None:
    assert next(iter(sampler())) != next(iter(sampler(**change)))


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
