"""A run whose loss is lost ends at once, and one that merely jumps goes on."""

from types import SimpleNamespace

import pytest
import torch

from holdfast.errors import DivergedError
from holdfast.training.callbacks import StopDiverged


def feed(callback: StopDiverged, losses: list[float]) -> int:
    """Return how many losses it took before it stopped."""
    for step, loss in enumerate(losses):
        trainer = SimpleNamespace(global_step=step)
        outputs = {"loss": torch.tensor(loss)}
        callback.on_train_batch_end(trainer, None, outputs, None, step)  # type: ignore[arg-type]
    return len(losses)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_no_number_stops_at_its_step(bad: float) -> None:
    with pytest.raises(DivergedError, match=r"at step 2: lower"):
        feed(StopDiverged(), [1.0, 1.0, bad, 1.0])


def test_a_loss_that_stays_high_stops_after_its_patience() -> None:
    callback = StopDiverged(factor=5, patience=3)
    with pytest.raises(DivergedError, match=r"5 times its start \(2\) for 3 looks up to step 7"):
        feed(callback, [1, 2, 3, 20, 1, 20, 20, 20, 20])


def test_jumps_and_slow_growth_are_let_be() -> None:
    losses = [1.0] * 3 + [20.0, 20.0, 1.0] * 5 + [5.0] * 10
    assert feed(StopDiverged(factor=10, patience=3), losses) == len(losses)
    assert feed(StopDiverged(factor=float("inf"), patience=2), [1.0, 1.0, 1e9, 1e9, 1e9]) == 5


def test_it_looks_only_where_asked() -> None:
    assert feed(StopDiverged(every_n_steps=2), [1.0, float("nan"), 1.0]) == 3


def test_a_resumed_run_counts_on() -> None:
    first = StopDiverged(factor=5, patience=3)
    feed(first, [1, 1, 1, 20, 20])
    second = StopDiverged(factor=5, patience=3)
    second.load_state_dict(first.state_dict())
    with pytest.raises(DivergedError):
        feed(second, [20.0])
