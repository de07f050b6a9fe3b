"""The same training on one process or several: the same samples, and weights within rounding."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from conftest import CONFIGS, make_pictures
from dropout_ft.app import APP
from holdfast.runs.results import read_results
from tests_support import only_run

ROUNDING = 2e-5
"""Of float32 sums in another order, over six steps of weights of order one."""
RANKS = [(2, 1), (4, 1)]
PASSES = [(1, 3), (3, 2)]


def trained(program: str, words: Sequence[str], root: Path) -> dict[str, torch.Tensor]:
    """Return the weights at the end of a run in processes of its own."""
    done = subprocess.run(
        [sys.executable, "-m", program, "fit", *words, "--run.root", str(root)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    checkpoint = torch.load(only_run(root) / "checkpoints/last.ckpt", weights_only=True)
    weights: dict[str, torch.Tensor] = checkpoint["state_dict"]
    return weights


def divided(ranks: int, micro_batches: int) -> list[str]:
    return [
        "--trainer.accelerator", "cpu", "--trainer.devices", str(ranks),
        "--trainer.strategy", "ddp" if ranks > 1 else "auto",
        "--trainer.accumulate_grad_batches", str(micro_batches),
    ]  # fmt: skip


def moved_alike(
    start: dict[str, torch.Tensor],
    one: dict[str, torch.Tensor],
    other: dict[str, torch.Tensor],
) -> None:
    """Both trainings moved the weights, and to the same place."""
    assert one.keys() == other.keys()
    moved = max(float((one[name].float() - start[name].float()).abs().max()) for name in one)
    apart = max(float((one[name].float() - other[name].float()).abs().max()) for name in one)
    assert moved > 100 * ROUNDING
    assert apart < ROUNDING, (apart, moved)


def classifier(pictures: Path, root: Path, steps: int, *more: str) -> dict[str, torch.Tensor]:
    # Dropout masks are drawn by each process, so without dropout.
    words = [
        "--config", str(CONFIGS / "dropout_ft/tiny.yaml"), "--data.source", str(pictures),
        "--data.test_domains", "[a]", "--data.global_batch_size", "12",
        "--model.dropout_rate", "0", "--model.optimizer.init_args.lr", "0.05",
        "--model.lr_scheduler.init_args.milestones", "[4]",
        "--trainer.max_steps", str(steps), "--trainer.val_check_interval", str(steps), *more,
    ]  # fmt: skip
    return trained("dropout_ft", words, root)


def tracker(data: Path, root: Path, steps: int, *more: str) -> dict[str, torch.Tensor]:
    words = [
        "--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"), "--data.root", str(data),
        "--data.global_batch_size", "12", "--data.samples_per_epoch", "36", "--data.val_pairs", "2",
        # The other head's BatchNorm takes the statistics of what one process sees.
        "--config", str(CONFIGS / "vl_track/heads/mlp.yaml"),
        "--model.steps_per_epoch", "${steps:1}", "--model.schedule_unit", "epoch",
        "--model.optimizer", "torch.optim.SGD", "--model.optimizer.init_args.lr", "0.01",
        "--model.lr_scheduler", "torch.optim.lr_scheduler.MultiStepLR",
        "--model.lr_scheduler.init_args.milestones", "[1]",
        "--trainer.max_steps", str(steps), "--trainer.val_check_interval", str(steps), *more,
    ]  # fmt: skip
    return trained("vl_track", words, root)


Train = Callable[..., dict[str, torch.Tensor]]


def compare(train: Train, data: Path, root: Path, divisions: Sequence[tuple[int, int]]) -> None:
    start = train(data, root / "start", 1)
    one = train(data, root / "one", 6)
    for ranks, micro_batches in divisions:
        name = f"{ranks}x{micro_batches}"
        moved_alike(start, one, train(data, root / name, 6, *divided(ranks, micro_batches)))


@pytest.mark.nightly
def test_a_classifier_ends_alike_on_three_processes(tmp_path: Path) -> None:
    compare(classifier, make_pictures(tmp_path / "pictures"), tmp_path, [(3, 2)])


@pytest.mark.nightly
def test_a_tracker_ends_alike_on_three_processes(tmp_path: Path) -> None:
    compare(tracker, tmp_path / "data", tmp_path, [(3, 1)])


def unaligned(data: Path, root: Path, steps: int, *more: str) -> dict[str, torch.Tensor]:
    """Alignment takes its negatives from one pass, so passes are compared without it."""
    return tracker(data, root, steps, "--model.alignment", "null", *more)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("train", "divisions"),
    [(classifier, RANKS + PASSES), (tracker, RANKS), (unaligned, PASSES)],
)
def test_training_ends_alike_however_it_is_divided(
    train: Train, divisions: list[tuple[int, int]], tmp_path: Path
) -> None:
    data = make_pictures(tmp_path / "pictures") if train is classifier else tmp_path / "data"
    compare(train, data, tmp_path, divisions)


def test_evaluations_are_counted_in_optimiser_steps(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    """With two passes a step, an interval of two steps was one step, and another was selected."""
    found = []
    for passes in (1, 2):
        root = tmp_path / str(passes)
        words = tiny_arguments(
            "fit", "--trainer.max_steps", "4", "--trainer.val_check_interval", "2",
            "--trainer.accumulate_grad_batches", str(passes), "--run.root", str(root),
        )  # fmt: skip
        assert APP.main(words) == 0
        found.append([row["step"] for row in read_results(only_run(root) / "results.jsonl")])
    assert found == [[2, 4], [2, 4]]
