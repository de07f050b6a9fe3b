"""Jobs: claims, states, failures, engines, and what a sweep shows."""

import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.errors import DataError, MissingToolError
from holdfast.jobs import engines
from holdfast.jobs.engines import Resources, choose, run_pool
from holdfast.jobs.job import Job, JobFolder
from holdfast.jobs.pool import Pool, last_line, run_in_process, run_path
from holdfast.jobs.progress import Status, readable, status_of, status_table, watch
from jobs_support import TESTS, job, journal, make_pool


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", TESTS)


def hold(path: str, ready: str) -> None:
    with JobFolder(path=Path(path)).claim() as mine:
        assert mine
        Path(ready).touch()
        time.sleep(60)


def test_a_digest_depends_on_what_is_done_and_not_on_its_name() -> None:
    one = Job(target="a:b", arguments={"x": 1, "y": 2}, name="first")
    assert one.digest == replace(one, name="second").digest
    assert one.digest == replace(one, arguments={"y": 2, "x": 1}).digest
    assert (
        len({one.digest, replace(one, content="c").digest, replace(one, target="a:c").digest}) == 3
    )


def test_a_claim_is_exclusive_and_ends_with_its_process(tmp_path: Path) -> None:
    folder = JobFolder(path=tmp_path / "job")
    ready = tmp_path / "ready"
    process = multiprocessing.get_context("fork").Process(
        target=hold, args=(str(folder.path), str(ready))
    )
    process.start()
    while not ready.exists():
        time.sleep(0.01)
    with folder.claim() as mine:
        assert not mine
    assert folder.state() == "running"
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with folder.claim() as mine:
        assert mine
    assert folder.state() == "not started"


def test_states(tmp_path: Path) -> None:
    folder = JobFolder(path=tmp_path)
    assert folder.state() == "not started"
    assert folder.start() == 1
    assert folder.start() == 2
    assert folder.state() == "incomplete"
    folder.fail("error", "why")
    assert folder.state() == "failed"
    folder.retry()
    assert folder.state() == "not started"
    folder.finish({"iid": 0.5}, 1.23456)
    assert folder.state() == "done"
    assert folder.read("done")["seconds"] == 1.235
    (tmp_path / "done.json").write_text("[")
    assert folder.read("done") == {}
    with pytest.raises(DataError, match="is no job"):
        folder.job()


def test_a_job_runs_once_and_tells_its_result(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 1)
    (folder,) = pool.folders()
    assert run_in_process(folder) == 0
    assert run_path(str(folder.path)) == 0  # done before: nothing happens
    assert journal(pool, 0)[1:] == ["end"]
    assert folder.read("done")["result"] == {"number": 0.0}


@pytest.mark.parametrize(
    ("name", "reason", "sentence"),
    [
        ("refuse", "error", "This cannot be done: do something else."),
        ("diverge", "diverged", "The loss became nan at step 3."),
        ("crash", "error", "RuntimeError: a bug (see log.txt)"),
    ],
)
def test_failures_are_recorded_with_their_reason(
    name: str, reason: str, sentence: str, tmp_path: Path
) -> None:
    pool = Pool(root=tmp_path, jobs=[job(name)])
    pool.describe()
    (folder,) = pool.folders()
    assert run_in_process(folder) == 1
    found = folder.read("failed")
    assert (found["reason"], found["sentence"]) == (reason, sentence)
    assert pool.open_folders() == []
    pool.retry_failed()
    assert pool.open_folders() == [folder]


def test_a_job_that_keeps_dying_is_given_up(tmp_path: Path) -> None:
    pool = Pool(root=tmp_path, jobs=[job("die"), job("work", number=1)])
    pool.describe()
    list(run_pool(pool, "processes", Resources(workers=2)))
    assert pool.counts() == {
        "done": 1, "running": 0, "incomplete": 0, "not started": 0, "failed": 1,
    }  # fmt: skip
    assert pool.folders()[0].read("failed") == {
        "reason": "attempts",
        "sentence": "its process died 3 times (signal 9)",
        "time": pytest.approx(time.time(), abs=60),
    }


def test_processes_run_everything(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 5)
    list(run_pool(pool, "processes", Resources(workers=2)))
    assert pool.counts()["done"] == 5


def test_another_sweeps_job_is_waited_for_and_taken_over_when_it_dies(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 1)
    (folder,) = pool.folders()
    ready = tmp_path / "ready"
    process = multiprocessing.get_context("fork").Process(
        target=hold, args=(str(folder.path), str(ready))
    )
    process.start()
    while not ready.exists():
        time.sleep(0.01)
    changes = run_pool(pool, "processes", Resources())
    next(changes)
    assert pool.counts()["running"] == 1
    process.kill()
    process.join()
    list(changes)
    assert pool.counts()["done"] == 1


@pytest.mark.slow
def test_a_local_ray_cluster_runs_everything(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    pool = make_pool(tmp_path, 4)
    words = f"""
import warnings; warnings.simplefilter("ignore")
from pathlib import Path
from holdfast.jobs.engines import Resources, run_pool
from jobs_support import make_pool
list(run_pool(make_pool(Path({str(tmp_path)!r}), 4), "ray", Resources(workers=2, cpus=1)))
"""
    subprocess.run([sys.executable, "-c", words], check=True, capture_output=True, timeout=180)
    assert pool.counts()["done"] == 4


@pytest.mark.slow
def test_submitit_runs_everything(tmp_path: Path) -> None:
    """submitit's own local executor stands for Slurm: the same calls, no cluster."""
    pytest.importorskip("submitit")
    pool = make_pool(tmp_path, 3)
    list(engines._on_slurm(pool, Resources(workers=2, cpus=1), cluster="local"))
    assert pool.counts()["done"] == 3


def test_engines_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda _: None)
    assert choose("auto") == "processes"
    for engine, package in (("ray", "ray"), ("slurm", "submitit")):
        with pytest.raises(MissingToolError, match=f"needs {package}"):
            choose(engine)  # type: ignore[arg-type]


def test_cores_are_shared_out() -> None:
    cores = os.cpu_count() or 1
    assert Resources(workers=1).cores == cores
    assert Resources(workers=10 * cores).cores == 1
    assert Resources(workers=2, cpus=7).cores == 7


def test_the_status_tells_counts_time_and_best(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 4)
    folders = pool.folders()
    folders[0].finish({"iid": 0.4}, 100.0)
    folders[1].finish({"iid": 0.6}, 200.0)
    folders[2].fail("diverged", "The loss became nan.")
    status = status_of(pool, 1, lambda results: f"best {max(r['iid'] for r in results)}")
    assert status.seconds_left == 150
    assert status.line == "2/4 done, 1 not started, 1 failed, about 2 min left; best 0.6"
    assert status.failures == [("work", "The loss became nan.")]
    assert status_table(status).row_count == 8
    assert math.isnan(status_of(make_pool(tmp_path / "new", 1), 1).seconds_left)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(75, "75 s"), (720, "12 min"), (12240, "3.4 h"), (float("nan"), "-")],
)
def test_times_for_people(seconds: float, text: str) -> None:
    assert readable(seconds) == text


@pytest.mark.parametrize("since_start", [5.0, 1e6])
def test_without_a_terminal_lines_are_few(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, since_start: float
) -> None:
    """The first line comes at once, on a machine that has just started too."""
    monkeypatch.setattr("time.monotonic", lambda: since_start)
    counts = iter(range(10))

    def look() -> Status:
        done = next(counts)
        return Status(
            counts={"done": done, "running": 0, "incomplete": 0, "not started": 9, "failed": 0},
            seconds_left=float("nan"), best="",
        )  # fmt: skip

    watch([None] * 5, look, every=3600)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_last_line_that_says_something(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert last_line(log) == "no log"
    log.write_text("\n\n")
    assert last_line(log) == "no message"
    log.write_text("first\nValueError: x\n\n")
    assert last_line(log) == "ValueError: x"


def test_two_sweeps_killed_at_random_moments_lose_nothing_and_double_nothing(
    tmp_path: Path,
) -> None:
    kill_at_random(tmp_path, jobs=12, kills=4, seed=1)


@pytest.mark.slow
def test_two_hundred_jobs_killed_forty_times(tmp_path: Path) -> None:
    kill_at_random(tmp_path, jobs=200, kills=40, seed=2)


def kill_at_random(root: Path, *, jobs: int, kills: int, seed: int) -> None:
    """Run two sweeps on one folder; kill a sweep or a job's process again and again."""
    import random

    draw = random.Random(seed)
    pool = make_pool(root, jobs, seconds=0.02)
    words = f"""
from pathlib import Path
from holdfast.jobs.engines import Resources, run_pool
from jobs_support import make_pool
list(run_pool(make_pool(Path({str(root)!r}), {jobs}, 0.02), "processes", Resources(workers=2)))
"""

    def sweep() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", words])

    sweeps = [sweep(), sweep()]
    for _ in range(kills):
        time.sleep(draw.uniform(0.1, 0.6))
        place = draw.randrange(2)
        runners = processes_of("holdfast.jobs.runner", str(root))
        if runners and draw.random() < 0.5:
            kill(draw.choice(runners))
        else:
            sweeps[place].kill()
            sweeps[place].wait()
            sweeps[place] = sweep()
    for process in sweeps:
        assert process.wait(timeout=300) == 0
    for folder in pool.folders():
        if folder.state() == "failed":  # killed three times: said so, and tried again when asked
            assert folder.read("failed")["reason"] == "attempts"
            folder.retry()
    list(run_pool(pool, "processes", Resources(workers=2)))
    assert pool.counts()["done"] == jobs
    assert not list(root.glob("jobs/*/twice.txt"))
    for place in range(jobs):
        assert journal(pool, place).count("end") == 1
        assert json.loads((pool.folders()[place].path / "done.json").read_text())["result"] == {
            "number": float(place)
        }


def processes_of(module: str, root: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if module.encode() in words and any(word.startswith(root.encode()) for word in words):
            found.append(int(path.parent.name))
    return found


def kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
