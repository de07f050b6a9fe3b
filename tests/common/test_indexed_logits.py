"""Each sample counts once, whatever padding and order."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.training.indexed_logits import IndexedLogits


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, 30), repeats=st.integers(0, 10), seed=st.integers(0, 99))
def test_rows_come_back_in_index_order_once(count: int, repeats: int, seed: int) -> None:
    torch.manual_seed(seed)
    rows = torch.randn(count, 3)
    order = torch.cat([torch.randperm(count), torch.randint(count, (repeats,))])
    metric = IndexedLogits(count)
    for part in order.split(4):
        metric.update(part, rows[part])
    assert torch.equal(metric.compute(), rows)


def test_missing_samples_are_never_scored_silently() -> None:
    metric = IndexedLogits(3)
    metric.update(torch.tensor([0, 2]), torch.zeros(2, 2))
    with pytest.raises(RuntimeError, match="2 of 3"):
        metric.compute()


def test_half_precision_becomes_float32_and_reset_empties() -> None:
    metric = IndexedLogits(1)
    metric.update(torch.tensor([0]), torch.ones(1, 2, dtype=torch.float16))
    assert metric.compute().dtype == torch.float32
    metric.reset()
    assert metric.index == []


def test_samples_that_are_not_expected_may_be_missing_and_are_nan() -> None:
    expected = torch.tensor([True, False, True])
    metric = IndexedLogits(3, expected)
    metric.update(torch.tensor([2]), torch.full((1, 2), 2.0))
    with pytest.raises(RuntimeError, match="1 of 3"):
        metric.compute()
    metric.update(torch.tensor([0]), torch.zeros(1, 2))
    found = metric.compute()
    assert torch.equal(found[expected], torch.tensor([[0.0, 0.0], [2.0, 2.0]]))
    assert found[1].isnan().all()
    metric.update(torch.tensor([1]), torch.ones(1, 2))
    assert torch.equal(metric.compute()[1], torch.ones(2))
