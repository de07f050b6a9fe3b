"""Each sample counts once, whatever padding and order."""

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
    metric = IndexedLogits()
    for part in order.split(4):
        metric.update(part, rows[part])
    index, values = metric.gathered()
    assert torch.equal(index, torch.arange(count))
    assert torch.equal(values, rows)


def test_what_was_not_seen_is_not_invented() -> None:
    metric = IndexedLogits()
    metric.update(torch.tensor([2, 0]), torch.tensor([[2.0], [0.0]]))
    index, values = metric.gathered()
    assert index.tolist() == [0, 2]
    assert values.tolist() == [[0.0], [2.0]]


def test_half_precision_becomes_float32_and_reset_empties() -> None:
    metric = IndexedLogits()
    metric.update(torch.tensor([0]), torch.ones(1, 2, dtype=torch.float16))
    assert metric.gathered()[1].dtype == torch.float32
    metric.reset()
    assert metric.index == []
