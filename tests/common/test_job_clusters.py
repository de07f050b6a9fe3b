"""Jobs on clusters: Ray and Slurm, and tasks that are lost there."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

import jobs_support
from holdfast.jobs import engines
from holdfast.jobs.engines import Resources, StoppedError, run_pool
from holdfast.jobs.slot import Slot
from jobs_support import TESTS, make_pool


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", TESTS, prepend=os.pathsep)


def on_local_slurm(monkeypatch: pytest.MonkeyPatch, work: Callable[[Slot], str]) -> None:
    """Let submitit's local executor, which stands for Slurm, run another task."""
    pytest.importorskip("submitit")
    monkeypatch.setattr(engines, "work", work)
    monkeypatch.setattr(engines, "_on_slurm", partial(engines._on_slurm, cluster="local"))


@pytest.mark.slow
@pytest.mark.parametrize("many", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_a_local_ray_cluster_runs_everything(many: bool, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    pool = make_pool(tmp_path, 4)
    words = f"""
import warnings; warnings.simplefilter("ignore")
from pathlib import Path
from holdfast.jobs.engines import Resources, run_pool
from jobs_support import make_pool
pool = make_pool(Path({str(tmp_path)!r}), 4, many={many})
list(run_pool(pool, "ray", Resources(workers=2, cpus=1)))
"""
    subprocess.run([sys.executable, "-c", words], check=True, capture_output=True, timeout=180)
    assert pool.counts()["done"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("many", [False, True])
def test_submitit_runs_everything(many: bool, tmp_path: Path) -> None:
    """submitit's own local executor stands for Slurm: the same calls, no cluster."""
    pytest.importorskip("submitit")
    pool = make_pool(tmp_path, 3, many=many)
    list(engines._on_slurm(pool, Resources(workers=2, cpus=1), cluster="local"))
    assert pool.counts()["done"] == 3


def test_slurm_tasks_that_fail_at_once_stop_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were submitted again without limit and without a word: 100 times in 200 looks."""
    pool = make_pool(tmp_path, 1)
    on_local_slurm(monkeypatch, jobs_support.without_environment)
    with pytest.raises(StoppedError, match=r"ModuleNotFoundError: No module named 'holdfast.jobs'"):
        list(run_pool(pool, "slurm", Resources(cpus=1)))
    assert len(list((tmp_path / "slurm").glob("*_submitted.pkl"))) == 3
    assert pool.counts()["not started"] == 1


def test_a_node_that_dies_after_each_start_stops_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every start counted as progress, so the tasks were submitted again for ever."""
    pool = make_pool(tmp_path, 2)
    on_local_slurm(monkeypatch, jobs_support.node_dies_after_start)
    with pytest.raises(StoppedError, match=r"without finishing any job in .*node failure"):
        list(run_pool(pool, "slurm", Resources(cpus=1)))
    assert [folder.read("started")["attempt"] for folder in pool.folders()] == [3, 3]
    assert pool.counts()["incomplete"] == 2


def test_ray_tasks_that_fail_at_once_stop_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's RayTaskError was suppressed in the same way."""
    sent: list[Slot] = []

    def get(_: object) -> str:
        raise RuntimeError("ray::work()\n  File x\nImportError: no holdfast here")

    fake = SimpleNamespace(
        is_initialized=lambda: True, cluster_resources=lambda: {"CPU": 2.0}, shutdown=lambda: None,
        remote=lambda **_: lambda _work: SimpleNamespace(remote=sent.append),
        wait=lambda waiting, **_: (waiting[:1], waiting[1:]), get=get,
        exceptions=SimpleNamespace(RayError=RuntimeError),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.setattr(engines, "choose", lambda engine: engine)
    with pytest.raises(StoppedError, match="said: ImportError: no holdfast here"):
        list(run_pool(make_pool(tmp_path, 1), "ray", Resources()))
    assert len(sent) == 3
