"""A job's files: damage, output, exit status, and what the runner does with each."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.jobs.job import STATES, Job, JobFolder
from holdfast.jobs.pool import Pool, wait_for_others
from holdfast.jobs.runner import TAKEN, run
from holdfast.jobs.slot import ASKED_TO_STOP, judge
from jobs_support import TESTS, job, make_pool, run_in_process


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", TESTS, prepend=os.pathsep)


def test_a_claimed_job_is_refused_with_its_own_status(tmp_path: Path) -> None:
    (folder,) = make_pool(tmp_path, 1).folders()
    with folder.claim() as mine:
        assert mine
        assert run(folder) == TAKEN
        assert run_in_process(folder) == TAKEN
    assert folder.state() == "not started"  # being taken is no failure
    assert run_in_process(folder) == 0


def test_a_failed_job_is_not_run_again_until_asked(tmp_path: Path) -> None:
    (folder,) = make_pool(tmp_path, 1).folders()
    folder.fail("error", "because")
    assert run(folder) == 0
    assert not (folder.path / "journal.txt").exists()
    folder.retry()
    assert run(folder) == 0
    assert folder.state() == "done"


def test_the_output_of_every_attempt_is_kept(tmp_path: Path) -> None:
    pool = Pool(root=tmp_path, jobs=[job("crash")])
    pool.describe()
    (folder,) = pool.folders()
    for _ in range(2):
        run_in_process(folder)
        folder.retry()
    assert (folder.path / "log.txt").read_text().count("RuntimeError: a bug") == 2


def test_a_job_whose_target_is_gone_fails_with_its_name(tmp_path: Path) -> None:
    pool = Pool(root=tmp_path, jobs=[Job(target="no_such_module:f", arguments={})])
    pool.describe()
    (folder,) = pool.folders()
    assert run_in_process(folder) == 1
    assert "no_such_module" in folder.read("failed")["sentence"]


def test_a_damaged_description_fails_the_job_and_no_other(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 2)
    first, second = pool.folders()
    (first.path / "job.json").write_text('{"target": 1')
    assert run_in_process(first) == 1
    assert run_in_process(second) == 0
    assert [folder.state() for folder in (first, second)] == ["failed", "done"]


def test_a_job_that_describes_another_is_not_run(tmp_path: Path) -> None:
    """A stranger's job.json in the right folder named the function that was imported and run."""
    (folder,) = make_pool(tmp_path, 1).folders()
    foreign = {"target": "os:abort", "arguments": {}, "name": "", "content": ""}
    (folder.path / "job.json").write_text(json.dumps(foreign))
    assert run_in_process(folder) == 1
    assert "describes another job" in folder.read("failed")["sentence"]


def test_being_asked_to_stop_is_no_death(tmp_path: Path) -> None:
    """Ctrl-C and a cluster's SIGTERM may come any number of times, before one real death too."""
    (folder,) = make_pool(tmp_path, 1).folders()
    for _ in range(5):
        folder.start()
    for signal in ASKED_TO_STOP:
        assert -signal not in {0, TAKEN}
    judge(folder, -9)
    assert folder.state() == "incomplete"


@pytest.mark.parametrize(("deaths", "state"), [(1, "incomplete"), (2, "incomplete"), (3, "failed")])
def test_a_process_may_die_twice(deaths: int, state: str, tmp_path: Path) -> None:
    (folder,) = make_pool(tmp_path, 1).folders()
    for _ in range(deaths):
        folder.start()
        judge(folder, -9)
    assert folder.state() == state


def test_a_finished_job_is_never_judged(tmp_path: Path) -> None:
    (folder,) = make_pool(tmp_path, 1).folders()
    folder.start()
    folder.finish(None, 1.0)
    judge(folder, 1)
    assert folder.state() == "done"


def test_nobody_to_wait_for(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 1)
    (folder,) = pool.folders()
    with folder.claim():
        assert wait_for_others(pool, seconds=0)
    assert wait_for_others(pool, seconds=0)  # its holder has just died: there is work to do
    folder.finish(None, 1.0)
    assert not wait_for_others(pool, seconds=0)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.sampled_from(["started", "done", "failed", "job"])), st.booleans(),
    st.binary(max_size=20),
)  # fmt: skip
def test_every_set_of_files_is_some_state(
    tmp_path: Path, names: set[str], held: bool, content: bytes
) -> None:
    folder = JobFolder(path=tmp_path / "job")
    folder.path.mkdir(exist_ok=True)
    for path in folder.path.iterdir():
        path.unlink()
    for name in names:
        (folder.path / f"{name}.json").write_bytes(content)
    if held:
        with folder.claim():
            state = folder.state()
    else:
        state = folder.state()
    assert state in STATES
    expected = "running" if held else "incomplete" if "started" in names else "not started"
    expected = "failed" if "failed" in names else expected
    assert state == ("done" if "done" in names else expected)
    for name in ("started", "done", "failed"):
        assert isinstance(folder.read(name), dict)  # type: ignore[arg-type]


def test_counts_cover_every_job(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, 6)
    folders = pool.folders()
    folders[0].finish({}, 1)
    folders[1].fail("error", "x")
    folders[2].start()
    counts = pool.counts()
    assert sum(counts.values()) == 6
    assert counts == {"done": 1, "running": 0, "incomplete": 1, "not started": 3, "failed": 1}
    assert pool.open_folders() == folders[2:]


def test_records_are_json_with_a_time(tmp_path: Path) -> None:
    (folder,) = make_pool(tmp_path, 1).folders()
    assert run_in_process(folder) == 0
    for name in ("started", "done"):
        found = json.loads((folder.path / f"{name}.json").read_text())
        assert found["time"] > 1.7e9
    assert folder.read("started")["attempt"] == 1
