"""Two processes on the CPU count every sample exactly once and agree with one process."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import CONFIGS, make_pictures
from holdfast.runs.results import read_results
from tests_support import only_run


@pytest.mark.slow
def test_two_processes_score_every_picture_once(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path
) -> None:
    # 3 classes x 9 pictures: neither part divides by two, so both ranks must pad.
    pictures = make_pictures(tmp_path / "odd", per_class=9)
    frozen = ["--model.optimizer.init_args.lr", "0.0", "--data.source", str(pictures)]
    results = {}
    for name, preset in (("one", "cpu"), ("two", "ddp_cpu")):
        words = tiny_arguments(
            "fit", "--config", str(CONFIGS / f"hardware/{preset}.yaml"), *frozen,
            "--run.root", str(tmp_path / name),
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "dropout_ft", *words],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        results[name] = read_results(only_run(tmp_path / name) / "results.jsonl")
    # 27 of the domain left out, and int(0.2 * 27) = 5 of each of the two others.
    assert [row["seen"] for row in results["two"]] == [37, 37]
    assert results["one"] == results["two"]


@pytest.mark.slow
def test_three_ranks_score_pairs_as_one_does(tmp_path: Path) -> None:
    """Case B11: ranks logged different keys, and unlike means were averaged.

    13 pairs do not divide by three, so two ranks repeat a pair, which counts once all the same.
    """
    found = []
    for ranks in (1, 3):
        words = ["fit", "--config", str(CONFIGS / "vl_track/scenes_tiny.yaml"),
                 "--trainer.devices", str(ranks), "--trainer.strategy", "ddp",
                 "--trainer.max_steps", "2", "--trainer.val_check_interval", "2",
                 "--data.global_batch_size", "3",
                 "--config", str(CONFIGS / "vl_track/heads/mlp.yaml"),
                 "--data.val_pairs", "13", "--data.eval_batch_size", "4",
                 "--data.root", str(tmp_path / "data"),
                 "--model.optimizer", "torch.optim.SGD", "--model.optimizer.init_args.lr", "0",
                 "--run.root", str(tmp_path / str(ranks))]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "vl_track", *words],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (log,) = (tmp_path / str(ranks)).glob("*/logs/csv/version_0/metrics.csv")
        with log.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["val/iou"]]
        found.append({key: value for key, value in rows[-1].items() if key.startswith("val/")})
    assert found[0] == found[1]
    assert set(found[0]) >= {"val/iou_box+text", "val/iou_box", "val/iou_text"}
