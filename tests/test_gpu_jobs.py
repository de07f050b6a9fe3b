"""The jobs for a rented GPU: budgets, ledgers, plans; and each job in miniature on the CPU."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from benchmarks.gpu import check, tracker
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.budget import Budget
from benchmarks.gpu.dropout import ROUNDS, plan_of
from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.options import CONFIGS, Options

from conftest import REPOSITORY, make_pictures
from dropout_ft.sweep.config import read_sweep_config
from dropout_ft.sweep.expand import jobs_of


def options(root: Path, *, miniature: bool = False) -> Options:
    return Options(out=root, device="cpu", miniature=miniature, data=root / "data")


def test_a_command_is_interrupted_when_the_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "endless.py").write_text(
        "import time\n"
        "try:\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('saved', flush=True)\n"
    )
    budget = Budget(minutes=0.1)
    budget.end = time.monotonic() + 16  # a busy machine starts Python in seconds
    began = time.monotonic()
    log = tmp_path / "log"
    assert budget.run(["endless"], log) == "stopped"
    assert time.monotonic() - began < 20
    assert "saved" in log.read_text()
    assert budget.over
    assert budget.run(["endless"], log) == "stopped"


@pytest.mark.parametrize(("code", "outcome"), [("0", "finished"), ("3", "failed")])
def test_a_command_that_ends_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, outcome: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "ends.py").write_text(f"raise SystemExit({code})\n")
    assert Budget(minutes=1).run(["ends"], tmp_path / "log") == outcome


def test_a_ledger_keeps_what_was_found_before(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "results.json", "cpu")
    first.add("a step", ms=3.5)
    again = Ledger(tmp_path / "results.json", "cpu")
    assert "a step" in again
    assert "another" not in again
    again.add("another", ms=1)
    assert "3.5" in again.markdown()
    again.card = "another card"
    assert "a step" not in again


def test_what_failed_is_told_and_tried_again(tmp_path: Path) -> None:
    """A score that failed stayed for ever, and the job ended with status 0."""
    ledger = Ledger(tmp_path / "results.json", "cpu")
    ledger.add("round 0", outcome="stopped")
    assert not ledger.failed
    ledger.add("score", outcome="failed")
    assert ledger.failed
    assert "score" not in ledger
    ledger.add("score", outcome="finished")
    assert "score" in ledger
    assert not ledger.failed
    ledger.add("a check", passed=False)
    assert ledger.failed


@pytest.mark.parametrize(("job", "status"), [("finished", 0), ("failed", 1)])
def test_the_status_says_whether_a_job_failed(
    job: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["gpu", "tracker", "--device", "cpu", "--miniature", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(Budget, "run", lambda *_: job)
    assert main() == status


def test_a_check_without_time_for_its_interruption_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check said that no checkpoint was left, and was never tried again."""
    outcomes = iter(["finished"] * 3 + ["stopped"])
    monkeypatch.setattr(Budget, "run", lambda *_: next(outcomes))
    wrong = check._resumes("dropout_ft", [])(Budget(minutes=1), tmp_path / "check")
    assert wrong == "stopped"


def test_schedules_are_ten_times_as_long() -> None:
    body = yaml.safe_load((CONFIGS / "vl_track/scenes_small.yaml").read_text())
    longer = tracker.longer(body)
    assert longer["trainer"]["max_steps"] == 10 * body["trainer"]["max_steps"]
    schedule = longer["model"]["lr_scheduler"]["init_args"]
    assert schedule["total_steps"] == longer["trainer"]["max_steps"]
    assert longer["data"] == body["data"]
    average = longer["trainer"]["callbacks"][0]["init_args"]
    assert average["start_step"] == 10 * body["trainer"]["callbacks"][0]["init_args"]["start_step"]


def test_each_round_of_the_comparison_holds_the_one_before(tmp_path: Path) -> None:
    earlier: set[str] = set()
    for domains, seeds in ROUNDS:
        plan = tmp_path / "plan.yaml"
        plan.write_text(yaml.safe_dump(plan_of(options(tmp_path), domains, seeds)))
        jobs = {job.digest for job in jobs_of(read_sweep_config(str(plan)))}
        assert len(jobs) == 3 * len(domains) * len(seeds)
        assert jobs > earlier
        earlier = jobs


@pytest.mark.nightly
@pytest.mark.parametrize("job", ["check", "bench", "dropout", "tracker"])
def test_a_job_runs_in_miniature(job: str, tmp_path: Path) -> None:
    make_pictures(tmp_path / "data/pictures", domains=("d0", "d1", "d2"))
    words = [
        sys.executable, "-m", "benchmarks.gpu", job, "--device", "cpu", "--miniature",
        "--minutes", "12", "--out", str(tmp_path / "out"), "--data", str(tmp_path / "data"),
    ]  # fmt: skip
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / f"out/{job}/results.json").read_text()).values()
    assert found
    assert all(row.get("passed", True) for row in found), done.stdout
    assert all(row.get("outcome", "finished") == "finished" for row in found), done.stdout


def test_a_machine_without_a_gpu_is_told() -> None:
    words = [sys.executable, "-m", "benchmarks.gpu", "check"]
    done = subprocess.run(
        words, cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env={"PATH": "", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "no GPU" in done.stderr
