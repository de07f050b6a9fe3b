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
from holdfast.jobs.devices import gpus_of, visible_gpus
from holdfast.jobs.engines import Resources, StoppedError, choose, run_pool, slots
from holdfast.jobs.job import Job, JobFolder
from holdfast.jobs.pool import Pool
from holdfast.jobs.progress import Status, readable, status_of, status_table, watch
from holdfast.jobs.slot import Slot, last_line, work
from jobs_support import TESTS, job, journal, make_pool, run_in_process


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", TESTS, prepend=os.pathsep)


def hold(path: str, ready: str) -> None:
    with JobFolder(path=Path(path)).claim() as mine:
        assert mine
        Path(ready).touch()
        time.sleep(60)


def test_a_digest_depends_on_what_is_done_and_not_on_its_name() -> None:
    one = Job(target="a:b", arguments={"x": 1, "y": 2}, name="first")
    assert one.digest == replace(one, name="second").digest
    assert one.digest == replace(one, arguments={"y": 2, "x": 1}).digest
    assert one.digest == replace(one, locations={"root": "/data"}).digest
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


def test_places_follow_the_last_command(tmp_path: Path) -> None:
    """Data that moved would be read where it no longer lies, or the job would be done again."""
    folder = JobFolder(path=tmp_path / job("work", number=0).digest)
    folder.describe(replace(job("work", number=0), locations={"seconds": 9.0}))
    folder.describe(replace(job("work", number=0), locations={"seconds": 0.0}))
    assert folder.job().locations == {"seconds": 0.0}
    assert run_in_process(folder) == 0


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
    assert run_in_process(folder) == 75  # done before: nothing happens
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


def test_a_hanging_job_is_ended_and_named(tmp_path: Path) -> None:
    """A job that hangs used to hold its worker for ever."""
    pool = Pool(root=tmp_path, jobs=[job("hang"), job("work", number=1)])
    pool.describe()
    list(run_pool(pool, "processes", Resources(job_seconds=0.5)))
    hanging, other = pool.folders()
    found = hanging.read("failed")
    assert (found["reason"], found["sentence"]) == (
        "time", "it took longer than 0.5 s and was ended (see log.txt)",
    )  # fmt: skip
    assert "in hang" in (hanging.path / "log.txt").read_text()  # where it hung
    assert other.state() == "done"


@pytest.mark.parametrize("name", ["fill", "fill_in_library"])
def test_a_full_disk_stops_the_jobs_and_fails_none(name: str, tmp_path: Path) -> None:
    """Case A18: a silent endless loop, or a job that was failed for good for want of space."""
    until = tmp_path / "freed"
    jobs = [job("work", number=0), job(name, until=str(until)), job("work", number=1)]
    pool = Pool(root=tmp_path, jobs=jobs)
    pool.describe()
    with pytest.raises(StoppedError, match=r"There is no space left for .*: free some space and"):
        list(run_pool(pool, "processes", Resources()))
    assert pool.counts()["failed"] == 0
    assert pool.counts()["done"] == 1
    until.touch()
    list(run_pool(pool, "processes", Resources()))
    assert pool.counts()["done"] == 3


def test_a_disk_that_is_full_for_the_records_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error whose reason nobody could write down is no failure of the job either."""
    monkeypatch.setattr("holdfast.jobs.slot.is_full", lambda folder: True)
    pool = Pool(root=tmp_path, jobs=[job("crash")])
    pool.describe()
    with pytest.raises(StoppedError, match="RuntimeError: a bug"):
        list(run_pool(pool, "processes", Resources()))
    assert pool.counts()["incomplete"] == 1


def test_a_process_that_cannot_start_ends_the_work(tmp_path: Path) -> None:
    """Without any job to blame the worker would start processes for ever."""
    pool = make_pool(tmp_path, 1)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "holdfast.py").write_text("raise SystemExit(3)\n")
    slot = Slot(folders=[str(pool.folders()[0].path)], environment={"PYTHONPATH": str(broken)})
    assert "can be started (its exit status is 3" in work(slot)


def test_one_process_does_many_jobs_and_opens_things_once(tmp_path: Path) -> None:
    """The benchmark made its tracker anew for every sequence (case B16)."""
    pool = Pool(root=tmp_path, jobs=[job("reuse", number=k) for k in range(5)], many_a_process=True)
    pool.describe()
    list(run_pool(pool, "processes", Resources()))
    assert pool.counts()["done"] == 5
    results = [folder.read("done")["result"] for folder in pool.folders()]
    # Job 1 kills its process once: another process starts, and job 0 is not done again.
    assert len({one["opened"] for one in results}) == 2
    assert len({one["process"] for one in results[1:]}) == 1
    assert pool.folders()[0].read("started")["attempt"] == 1


def test_every_worker_has_a_gpu_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All workers shared the first GPU (case B16)."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    jobs = [job("see", variable="CUDA_VISIBLE_DEVICES", number=k) for k in range(4)]
    pool = Pool(root=tmp_path, jobs=jobs)
    pool.describe()
    list(run_pool(pool, "processes", Resources(workers=2)))
    seen = [folder.read("done")["result"]["CUDA_VISIBLE_DEVICES"] for folder in pool.folders()]
    assert sorted(set(seen)) == ["3", "5"]


@pytest.mark.parametrize(
    ("workers", "share", "expected"),
    [
        (1, 0, [None]), (3, 0, ["a", "b", "a"]), (4, 0.5, ["a", "a", "b", "b"]),
        (2, 1, ["a", "b"]), (1, 2, ["a,b"]), (1, 1, ["a"]), (2, 0.3, ["a", "a"]),
    ],
)  # fmt: skip
def test_gpus_are_shared_out(workers: int, share: float, expected: list[str | None]) -> None:
    found = [gpus_of(k, workers, share, ["a", "b"]) for k in range(workers)]
    assert [one.get("CUDA_VISIBLE_DEVICES") for one in found] == expected
    assert gpus_of(0, 2, 1, []) == {}


def test_gpus_are_counted_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert visible_gpus() == ["0", "1"]
    program.write_text("#!/bin/sh\nexit 9\n")
    assert visible_gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []


def test_a_cluster_gets_a_task_a_job_or_all_jobs_for_each_worker(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 3)
    assert [len(slot.folders) for slot in slots(pool, Resources(), 2)] == [1, 1, 1]
    many = replace(pool, many_a_process=True)
    assert [len(slot.folders) for slot in slots(many, Resources(), 2)] == [3, 3]
    assert len(slots(many, Resources(), 9)) == 3


def test_the_engine_needs_neither_torch_nor_lightning() -> None:
    code = (
        "import sys, holdfast.jobs.engines, holdfast.jobs.progress, holdfast.jobs.runner\n"
        "print([name for name in ('torch', 'pytorch_lightning', 'ray') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


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


def test_jobs_that_are_always_stopped_from_outside_end_the_work(tmp_path: Path) -> None:
    """Each was started again for ever: only a death was counted, and SIGTERM was none."""
    pool = Pool(root=tmp_path, jobs=[job("asked_to_stop")])
    pool.describe()
    with pytest.raises(StoppedError, match="stopped 3 times by signal 15 before any job ended"):
        list(run_pool(pool, "processes", Resources()))
    assert pool.counts()["incomplete"] == 1


def test_engines_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda _: None)
    assert choose("auto") == "processes"
    for engine, package in (("ray", "ray"), ("slurm", "submitit")):
        with pytest.raises(MissingToolError, match=f"needs {package}"):
            choose(engine)  # type: ignore[arg-type]


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


@pytest.mark.nightly
def test_two_hundred_jobs_killed_forty_times(tmp_path: Path) -> None:
    kill_at_random(tmp_path, jobs=200, kills=40, seed=2)


@pytest.mark.nightly
def test_processes_of_many_jobs_killed_forty_times(tmp_path: Path) -> None:
    kill_at_random(tmp_path, jobs=200, kills=40, seed=3, many=True)


def kill_at_random(root: Path, *, jobs: int, kills: int, seed: int, many: bool = False) -> None:
    """Run two sweeps on one folder; kill a sweep or a job's process again and again."""
    import random

    draw = random.Random(seed)
    seconds = 0.2 if many else 0.02
    pool = make_pool(root, jobs, seconds, many=many)
    words = f"""
from pathlib import Path
from holdfast.jobs.engines import Resources, run_pool
from jobs_support import make_pool
pool = make_pool(Path({str(root)!r}), {jobs}, {seconds}, many={many})
list(run_pool(pool, "processes", Resources(workers=2)))
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
