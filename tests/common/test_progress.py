"""Bars on terminals, lines in files."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from holdfast.training.callbacks import LineProgress, StepProgressBar, default_progress, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def trainer(step: int = 50, **metrics: float) -> Any:
    return SimpleNamespace(
        global_step=step,
        max_steps=200,
        accumulate_grad_batches=2,
        callback_metrics={name: torch.tensor(value) for name, value in metrics.items()},
    )


def test_the_stream_decides() -> None:
    assert isinstance(default_progress(Terminal()), StepProgressBar)
    assert isinstance(default_progress(io.StringIO()), LineProgress)


def test_line_says_step_loss_speed_and_time_left() -> None:
    line = LineProgress.line(trainer(**{"train/loss": 1.25}), steps_per_second=10.0)
    assert line == "step 50/200  loss 1.2500  10.00 steps/s  15 s left"


def test_hours_are_told_as_hours() -> None:
    """A first fit on a laptop said "56340 s left"."""
    line = LineProgress.line(trainer(step=0), steps_per_second=0.01)
    assert line == "step 0/200  0.01 steps/s  5.6 h left"


def test_line_without_loss_or_speed() -> None:
    assert LineProgress.line(trainer(step=0), steps_per_second=0.0) == "step 0/200  0.00 steps/s"


@pytest.mark.parametrize(("every", "expected"), [(10.0, 2), (3.0, 7), (1000.0, 0)])
def test_lines_come_at_most_every_so_many_seconds(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    every: float,
    expected: int,
) -> None:
    clock = iter(float(second) for second in range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    callback = LineProgress(every_seconds=every)
    callback.on_train_start(trainer(step=0), None)  # type: ignore[arg-type]
    for step in range(1, 23):
        callback.on_train_batch_end(trainer(step=step), None, None, None, step)  # type: ignore[arg-type]
    assert len(capsys.readouterr().out.splitlines()) == expected


def test_bar_counts_towards_max_steps() -> None:
    bar = StepProgressBar()
    bar._trainer = trainer()
    assert bar.total_train_batches == 400


def test_a_run_of_steps_counts_no_epochs() -> None:
    """The bar said "Epoch 0/-2": Lightning's count of epochs where only steps are limited."""
    bar = StepProgressBar()
    bar._trainer = SimpleNamespace(**vars(trainer()), max_epochs=-1)
    assert bar._get_train_description(0).strip() == "Training"
    bar._trainer.max_epochs = 3
    assert bar._get_train_description(0).strip() == "Epoch 0/2"
