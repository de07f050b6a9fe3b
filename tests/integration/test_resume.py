"""Killed at any step and started again, a run ends with the very same weights and metrics."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from _pytest.mark import ParameterSet
from pytorch_lightning import Callback, Trainer
from safetensors.torch import load_file

from dropout_ft.app import APP
from holdfast.cli.lightning_cli import HoldfastCLI
from holdfast.runs.results import read_results
from tests_support import only_run

STEPS = 9


class Kill(Callback):
    """Kill this process the hard way after one optimiser step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def run_and_die(words: list[str], step: int) -> int:
    """Run the command line in a forked process that kills itself; return how it ended.

    Only this thread lives on in a fork. A video decoder of an earlier test, freed there, would wait
    for its threads without end, so the fork frees nothing that was made before it.
    """
    gc.collect()
    process = os.fork()
    if process == 0:
        gc.freeze()
        ordinary = HoldfastCLI._callbacks
        HoldfastCLI._callbacks = lambda cli, seed: [*ordinary(cli, seed), Kill(step)]
        os._exit(APP.main(words))
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def averaging_callback(evaluate: str) -> dict[str, Any]:
    """Return the YAML of weight averaging from the third step on."""
    return {
        "class_path": "holdfast.training.callbacks.GuardedWeightAveraging",
        "init_args": {"start_step": 2, "evaluate": evaluate},
    }


@pytest.fixture
def arguments(tiny_arguments: Callable[..., list[str]], tmp_path: Path) -> Callable[..., list[str]]:
    """Build the arguments of one run of nine steps, with or without workers and averaging."""

    def build(runs: str, workers: int, averaging: str) -> list[str]:
        extra = tmp_path / "extra.yaml"
        trainer: dict[str, Any] = {"max_steps": STEPS, "val_check_interval": 3}
        if averaging:
            trainer["callbacks"] = [averaging_callback(averaging)]
        extra.write_text(yaml.safe_dump({"trainer": trainer}))
        return tiny_arguments(
            "fit", "--config", str(extra), "--run.root", str(tmp_path / runs),
            "--run.checkpoint_every", "2", "--data.num_workers", str(workers),
            "--model.normalization", "standardize",
            "--model.head_start", "dropout_ft.training.warm_start.HeadWarmStart",
            "--model.head_start.init_args.steps", "20",
            "--model.head_start.init_args.batches", "4",
        )  # fmt: skip

    return build


def outcome(run: Path) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the final checkpoint, the results and the saved logits of a run."""
    checkpoint = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    logits = [load_file(path) for path in sorted((run / "logits").glob("*.safetensors"))]
    return checkpoint, read_results(run / "results.jsonl"), logits


def assert_identical(left: Any, right: Any, place: str = "") -> None:
    """Compare nested containers bit for bit."""
    assert type(left) is type(right), place
    if isinstance(left, torch.Tensor):
        assert torch.equal(left, right), place
    elif isinstance(left, dict):
        assert left.keys() == right.keys(), place
        for key in left:
            assert_identical(left[key], right[key], f"{place}/{key}")
    elif isinstance(left, list | tuple):
        assert len(left) == len(right), place
        for number, (a, b) in enumerate(zip(left, right, strict=True)):
            assert_identical(a, b, f"{place}/{number}")
    else:
        assert left == right, place


_WHOLE: dict[tuple[int, str], Path] = {}


def undisturbed(
    arguments: Callable[..., list[str]],
    tmp_path: Path,
    workers: int,
    averaging: str,
    factory: pytest.TempPathFactory,
) -> Path:
    """Return the run nobody killed; one for each setting serves all kill steps."""
    if (workers, averaging) not in _WHOLE:
        folder = factory.mktemp("whole")
        words = [*arguments("unused", workers, averaging), "--run.root", str(folder)]
        assert APP.main(words) == 0
        _WHOLE[workers, averaging] = only_run(folder)
    return _WHOLE[workers, averaging]


# Counters of Lightning's loops that only time or the number of launches changes.
COMPARED = (
    "state_dict",
    "average_model_state",
    "current_model_state",
    "averaging_state",
    "optimizer_states",
    "lr_schedulers",
)


BY_DAY = {
    (0, "", 1), (2, "", 5), (0, "both", 3), (2, "both", 8), (0, "average", 5), (2, "average", 1),
    (0, "average", 8), (0, "both", 1),
}  # fmt: skip
"""Every averaging, number of loader workers and step at least once; all combinations at night."""


def kills() -> list[ParameterSet]:
    """Return loader workers, averaging along the run, and the step at which the run is killed."""
    return [
        pytest.param(*case, marks=() if case in BY_DAY else pytest.mark.nightly)
        for case in product([0, 2], ["", "both", "average"], [1, 3, 5, 8])
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "averaging", "kill_step"), kills())
def test_killed_run_ends_bit_identical(
    arguments: Callable[..., list[str]],
    tmp_path: Path,
    workers: int,
    averaging: str,
    kill_step: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole = undisturbed(arguments, tmp_path, workers, averaging, tmp_path_factory)
    broken = arguments("broken", workers, averaging)
    assert run_and_die(broken, kill_step) == -signal.SIGKILL
    assert APP.main(broken) == 0
    again = only_run(tmp_path / "broken")
    left, right = outcome(whole), outcome(again)
    resumed_from = {1: 0, 3: 2, 5: 4, 8: 6}[kill_step]  # saves: 2, 3, 4, 6; killed before 8
    launches = json.loads((again / "run.json").read_text())["launches"]
    assert launches[-1]["from_step"] == resumed_from
    for key in COMPARED:
        assert_identical(left[0].get(key), right[0].get(key), key)
    assert left[0]["global_step"] == right[0]["global_step"] == STEPS
    assert left[1] == right[1]
    assert [row["step"] for row in right[1]] == [3, 6, 9]
    assert_identical(left[2], right[2], "logits")
    best_left = torch.load(whole / "checkpoints/best.ckpt", weights_only=True)
    best_right = torch.load(again / "checkpoints/best.ckpt", weights_only=True)
    assert_identical(best_left["state_dict"], best_right["state_dict"], "best")


@pytest.mark.slow
def test_interrupt_leaves_a_resumable_run_and_says_how(
    arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    words = [*arguments("runs", 0, ""), "--trainer.max_steps", "100000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dropout_ft", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell's background job, as CI may be, inherits an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(tmp_path.glob("runs/*/checkpoints/last.ckpt")):
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "run the same command again to resume" in output
    assert "Traceback" not in output
    run = only_run(tmp_path / "runs")
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    torch.load(run / "checkpoints/last.ckpt", weights_only=True)


def test_resume_is_announced_and_a_finished_run_is_not_repeated(
    arguments: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments("runs", 0, "")
    assert APP.main(words) == 0
    run = only_run(tmp_path / "runs")
    before = (run / "run.json").read_text()
    assert APP.main(words) == 0
    assert "This run is finished" in capsys.readouterr().out
    assert (run / "run.json").read_text() == before
    record = json.loads(before)
    (run / "run.json").write_text(json.dumps({**record, "status": "interrupted"}))
    assert APP.main(words) == 0
    assert "Resuming from" in capsys.readouterr().out
    launches = json.loads((run / "run.json").read_text())["launches"]
    assert [launch["from_step"] for launch in launches] == [0, STEPS]
