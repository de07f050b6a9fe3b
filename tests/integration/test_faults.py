"""Faults while training: two processes in one run, a killed worker, read-only data, the clock."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from lightning_utilities.core.rank_zero import rank_zero_only
from torch.utils.data import Dataset

from dropout_ft.app import APP
from holdfast.errors import ConfigError, DiskError
from holdfast.runs.lock import LOCK, only_process
from holdfast.runs.record import read_record
from holdfast.runs.results import read_results
from holdfast.seeding import SampleKey
from holdfast.training.shared_batches import SharedBatches
from tests_support import only_run

CONFIG = Path(__file__).parents[2] / "configs/dropout_ft/tiny.yaml"
HOLDER = """
import sys, time
from pathlib import Path
from holdfast.runs.lock import only_process
with only_process(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def words(pictures: Path, root: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "dropout_ft", "fit", "--config", str(CONFIG),
        f"--data.source={pictures}", f"--run.root={root}", "--trainer.max_steps=40",
        "--trainer.val_check_interval=10", "--run.checkpoint_every=5", *more,
    ]  # fmt: skip


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold a run directory in another process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        yield holder
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_a_run_directory_is_held_by_one_process(tmp_path: Path) -> None:
    with held(tmp_path / "run") as holder:
        with (
            pytest.raises(ConfigError, match="Another process is training"),
            only_process(tmp_path / "run"),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with only_process(tmp_path / "run"):
            assert (tmp_path / "run" / LOCK).is_file()


def test_a_forked_worker_does_not_keep_the_run(tmp_path: Path) -> None:
    with only_process(tmp_path):
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
    try:
        other = [sys.executable, "-c", HOLDER.replace("time.sleep(60)", ""), str(tmp_path)]
        assert run(other).stdout == "held\n"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_only_rank_zero_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with held(tmp_path):
        monkeypatch.setattr(rank_zero_only, "rank", 1, raising=False)
        with only_process(tmp_path):
            pass


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DiskError, match="cannot be written"), only_process(tmp_path / "file/run"):
        pass


@pytest.mark.slow
def test_a_second_process_is_refused_and_the_first_ends_as_if_alone(
    pictures: Path, tmp_path: Path
) -> None:
    alone = run(words(pictures, tmp_path / "alone"))
    assert alone.returncode == 0, alone.stderr
    first = subprocess.Popen(
        words(pictures, tmp_path / "both", "--trainer.max_steps=40"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    place = only_run(tmp_path / "alone").name
    lock = tmp_path / "both" / place / LOCK
    for _ in range(600):
        if lock.is_file() or first.poll() is not None:
            break
        time.sleep(0.1)
    second = run(words(pictures, tmp_path / "both"))
    assert first.wait(timeout=300) == 0
    # It came in time to be refused, or too late, when the run was finished.
    assert "Another process is training" in second.stderr or "is finished" in second.stdout
    states = [
        torch.load(tmp_path / name / place / "checkpoints/last.ckpt", weights_only=True)[
            "state_dict"
        ]
        for name in ("alone", "both")
    ]
    first_weights, second_weights = states
    assert first_weights
    assert all(torch.equal(value, second_weights[name]) for name, value in first_weights.items())


@pytest.mark.nightly
def test_a_killed_loader_worker_ends_the_run_with_its_reason_and_it_resumes(
    pictures: Path, tmp_path: Path
) -> None:
    more = ("--data.num_workers=1", "--trainer.max_steps=150")
    first = subprocess.Popen(
        words(pictures, tmp_path, *more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    last = None
    for _ in range(1200):
        last = next(tmp_path.glob("*/checkpoints/last.ckpt"), None)
        if last is not None or first.poll() is not None:
            break
        time.sleep(0.05)
    assert last is not None
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    _, error = first.communicate(timeout=300)
    if children:
        assert first.returncode != 0
        assert "worker" in error.lower()
    again = run(words(pictures, tmp_path, *more))
    assert again.returncode == 0, again.stderr
    directory = last.parents[1]
    assert read_record(directory / "run.json")["status"] == "finished"
    steps = [row["step"] for row in read_results(directory / "results.jsonl")]
    assert steps == list(range(10, 151, 10)), "nothing lost, nothing doubled"


@pytest.mark.slow
def test_read_only_data_is_enough(pictures: Path, tmp_path: Path) -> None:
    for path in [pictures, *pictures.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert run(words(pictures, tmp_path)).returncode == 0
    finally:
        for path in [pictures, *pictures.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def _jumping(clock: Callable[[], float]) -> Callable[[], float]:
    """A wall clock that is set back or forth by hours at every look at it."""
    jumps = itertools.cycle((0.0, -7200.0, 86400.0, -3600.0, 31_536_000.0))
    return lambda: clock() + next(jumps)


def test_a_clock_that_jumps_changes_no_result(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def results(name: str) -> tuple[list[dict[str, object]], dict[str, bytes]]:
        words = tiny_arguments("fit", "--trainer.max_steps=4", f"--run.root={tmp_path / name}")
        assert APP.main(words) == 0
        directory = only_run(tmp_path / name)
        record = read_record(directory / "run.json")
        assert record["status"] == "finished"
        assert 0 <= record["launches"][0]["wall_seconds"] < 300
        logits = {path.name: path.read_bytes() for path in (directory / "logits").iterdir()}
        return list(read_results(directory / "results.jsonl")), logits

    still = results("still")
    monkeypatch.setattr(time, "time", _jumping(time.time))
    assert results("jumping") == still


def test_a_clock_set_back_costs_shared_batches_time_and_nothing_else(tmp_path: Path) -> None:
    class Numbers(Dataset[dict[str, torch.Tensor]]):
        def __getitem__(self, key: SampleKey) -> dict[str, torch.Tensor]:
            return {"input": torch.tensor(key.seed)}

    shared = SharedBatches(Numbers(), tmp_path, identity="a", capacity=2)
    for seed in range(6):
        batch = shared.__getitems__([SampleKey(0, seed)])
        assert batch["input"].tolist() == [seed]
        for file in tmp_path.glob("*.safetensors"):
            os.utime(file, (1e9 - seed, 1e9 - seed))  # every new file looks older than the last
