"""Pools on real clusters: Slurm's own daemons, and Ray with several nodes, which lose some."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.jobs.engines import Resources, run_pool
from holdfast.jobs.pool import Pool
from holdfast.jobs.queue import Queue, queued_tasks
from jobs_support import TESTS, journal, make_pool
from slurm_support import Slurm, running_slurm, wait_until

MANY = 200


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture
def slurm(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    pytest.importorskip("submitit")
    with running_slurm(tmp_path / "slurm", packages) as cluster:
        for name, value in cluster.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")]))
        yield cluster


def run_beside(pool: Pool, resources: Resources) -> threading.Thread:
    """Run a pool in a thread, so that something may happen meanwhile."""
    thread = threading.Thread(target=lambda: list(run_pool(pool, "slurm", resources)), daemon=True)
    thread.start()
    return thread


def started(pool: Pool) -> list[str]:
    """Return the folders of the jobs that have begun and not ended."""
    return [
        folder.path.name
        for folder in pool.folders()
        if (folder.path / "journal.txt").is_file() and folder.state() != "done"
    ]


def nothing_lost_or_doubled(pool: Pool) -> None:
    assert pool.counts()["done"] == len(pool.jobs)
    assert not list(pool.root.rglob("twice.txt"))
    assert all(journal(pool, number).count("end") == 1 for number in range(len(pool.jobs)))


@pytest.mark.nightly
@pytest.mark.parametrize("many", [False, True])
def test_slurm_runs_two_hundred_jobs_once_each(slurm: Slurm, tmp_path: Path, many: bool) -> None:
    pool = make_pool(tmp_path / "pool", MANY, many=many)
    list(run_pool(pool, "slurm", Resources(workers=4, cpus=1)))
    nothing_lost_or_doubled(pool)
    if not many:
        assert all(len(journal(pool, number)) == 2 for number in range(MANY))


@pytest.mark.nightly
def test_a_slurm_node_that_dies_loses_no_job(slurm: Slurm, tmp_path: Path) -> None:
    pool = make_pool(tmp_path / "pool", 8, seconds=4.0)
    thread = run_beside(pool, Resources(workers=4, cpus=1))
    wait_until(lambda: len(started(pool)) >= 3, 90)
    slurm.kill_node("n2")
    wait_until(lambda: "down" in slurm.ask("sinfo", "-h", "-n", "n2", "-o", "%T"), 90)
    slurm.start_node("n2")
    thread.join(240)
    assert not thread.is_alive()
    nothing_lost_or_doubled(pool)
    attempts = [len(journal(pool, number)) - 1 for number in range(8)]
    assert max(attempts) > 1, "a job was on the node"


@pytest.mark.nightly
def test_a_preempted_slurm_job_runs_again(slurm: Slurm, tmp_path: Path) -> None:
    pool = make_pool(tmp_path / "pool", 3, seconds=6.0)
    thread = run_beside(pool, Resources(workers=3, cpus=1))
    wait_until(lambda: len(started(pool)) == 3, 90)
    (first, *_) = sorted(queued_tasks() or [])
    slurm.ask("scontrol", "requeue", first)
    thread.join(240)
    assert not thread.is_alive()
    nothing_lost_or_doubled(pool)
    assert max(len(journal(pool, number)) - 1 for number in range(3)) > 1


@pytest.mark.nightly
def test_a_cancelled_slurm_job_is_submitted_again(slurm: Slurm, tmp_path: Path) -> None:
    """A cluster without accounts never says so: the task was waited for without end."""
    pool = make_pool(tmp_path / "pool", 2, seconds=6.0)
    thread = run_beside(pool, Resources(workers=2, cpus=1))
    wait_until(lambda: len(started(pool)) == 2, 90)
    (first, *_) = sorted(queued_tasks() or [])
    slurm.ask("scancel", first)
    thread.join(240)
    assert not thread.is_alive()
    nothing_lost_or_doubled(pool)


def test_a_task_is_gone_after_three_looks_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str] | None] = [{"1_0"}, {"1_0"}, None, {"1_0"}, {"1_0", "1_2"}]
    monkeypatch.setattr("holdfast.jobs.queue.queued_tasks", lambda: seen.pop(0))
    queue = Queue(seconds=0)
    tasks = ["1_0", "1_1", "1_2"]
    assert [queue.gone(tasks) for _ in range(4)] == [set(), set(), set(), {"1_1", "1_2"}]
    assert queue.gone(tasks) == {"1_1"}


def test_where_there_is_no_slurm_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert queued_tasks() is None


@pytest.mark.nightly
def test_a_ray_node_that_dies_loses_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    utils = pytest.importorskip("ray.cluster_utils")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")]))
    cluster = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        pool = make_pool(tmp_path / "pool", 9, seconds=3.0)
        resources = Resources(workers=0, cpus=1, address=cluster.address)
        thread = threading.Thread(
            target=lambda: list(run_pool(pool, "ray", resources)), daemon=True
        )
        thread.start()
        wait_until(lambda: len(started(pool)) >= 3, 120)
        cluster.remove_node(nodes[0], allow_graceful=False)
        thread.join(240)
        assert not thread.is_alive()
        nothing_lost_or_doubled(pool)
    finally:
        cluster.shutdown()
