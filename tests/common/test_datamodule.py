"""Loaders: endless and step-indexed for training, exactly once for evaluation."""

from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from holdfast.data.roots import data_root
from holdfast.seeding import SampleKey
from holdfast.training.datamodule import StepDataModule, seeded


class Keys(Dataset[Tensor]):
    """Shows the key it was asked for and one draw from the key's seed."""

    def __getitem__(self, key: SampleKey | int) -> Tensor:
        sample, seed = seeded(key)
        draw = torch.rand(1, generator=torch.Generator().manual_seed(seed))
        return torch.tensor([float(sample), float(draw)])


class Data(StepDataModule):
    """Two groups of samples."""


def data(
    workers: int = 0, step: int = 0, rank: int = 0, world: int = 1, accumulate: int = 1
) -> Data:
    module = Data(num_workers=workers, eval_batch_size=4)
    module.seed = 7
    trainer: Any = SimpleNamespace(
        global_step=step, accumulate_grad_batches=accumulate, global_rank=rank, world_size=world
    )
    module.trainer = trainer
    return module


def batches(module: Data, count: int = 4, per_group: int = 2) -> Tensor:
    loader = module.step_loader(Keys(), [[0, 1, 2], [3, 4]], per_group=per_group)
    return torch.stack(list(islice(loader, count)))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_do_not_change_a_batch(workers: int) -> None:
    assert torch.equal(batches(data()), batches(data(workers)))


def test_a_loader_starts_at_the_trainers_step() -> None:
    assert torch.equal(batches(data(step=3), 2), batches(data(), 5)[3:])


def test_accumulated_batches_share_the_samples_of_a_step() -> None:
    parts = batches(data(step=2, accumulate=3), 3, per_group=6)
    whole = batches(data(), 3, per_group=6)[2]
    assert sorted(parts.flatten(0, 1).tolist()) == sorted(whole.tolist())


def test_ranks_and_seeds_differ() -> None:
    first = batches(data())
    assert not torch.equal(first, batches(data(rank=1, world=2)))
    other = data()
    other.seed = 8
    assert not torch.equal(first, batches(other))


def test_loaders_leave_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    batches(data())
    list(data().evaluation_loader(Keys(), 9))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("world", [1, 2, 3])
def test_evaluation_covers_everything_in_equal_shares(world: int) -> None:
    shares = [
        torch.cat(list(data(rank=rank, world=world).evaluation_loader(Keys(), 10)))
        for rank in range(world)
    ]
    assert len({len(share) for share in shares}) == 1
    assert {int(row[0]) for share in shares for row in share} == set(range(10))


def test_evaluation_views_change_with_the_step_and_repeat_with_it() -> None:
    def views(step: int) -> Tensor:
        return torch.cat(list(data(step=step).evaluation_loader(Keys(), 6)))

    assert torch.equal(views(5), views(5))
    assert not torch.equal(views(5), views(6))


def test_plain_indices_get_a_seed_of_their_own() -> None:
    assert seeded(3) == seeded(3)
    assert seeded(3).seed != seeded(4).seed
    assert seeded(SampleKey(3, 5)) == SampleKey(3, 5)


def test_outside_a_trainer_the_loader_starts_at_zero() -> None:
    module = Data()
    module.seed = 7
    assert torch.equal(batches(module), batches(data()))


def test_data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_DATA", raising=False)
    assert str(data_root()) == "data"
    monkeypatch.setenv("HOLDFAST_DATA", "~/pictures")
    assert data_root().is_absolute()
    assert str(data_root("here")) == "here"
