"""What a worker gets of a machine."""

import os

import pytest

from holdfast.jobs.engines import Resources


def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """OMP_NUM_THREADS was overruled: two threads that wait by spinning on a busy machine took five
    times as long as the one that was asked for."""
    cores = os.cpu_count() or 1
    assert Resources(workers=1).cores == 1, "as the tests' own setting says"
    monkeypatch.setenv("OMP_NUM_THREADS", str(cores + 1))
    assert Resources(workers=1).cores == cores
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert Resources(workers=1).cores == cores
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert Resources(workers=1).cores == cores
    assert Resources(workers=10 * cores).cores == 1
    assert Resources(workers=2, cpus=7).cores == 7
