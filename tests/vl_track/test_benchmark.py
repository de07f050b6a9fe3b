"""Benchmark runs: whole results once, resumed after kills, honest speed, one model a folder."""

import importlib.util
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from vl_track.scoring.engines import in_processes, on_ray, run_names
from vl_track.scoring.jobs import (
    Outcome,
    is_complete,
    open_folder,
    run_everything,
    run_sequence,
    summary,
)

from benchmark_support import plan, stands_still, work
from conftest import REPOSITORY
from holdfast.errors import ConfigError, MissingToolError
from scenes_support import tiny_config, tiny_network
from sets_support import data_tree, write
from vl_track.app import APP
from vl_track.commands.benchmark import digest_of
from vl_track.data.sets.known import open_set
from vl_track.loading import save_network
from vl_track.scoring import engines
from vl_track.scoring.raw_results import read_results

TEST_NAMES = ["airplane-1", "bear-4"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return data_tree(tmp_path / "data", "lasot")


def diary(tmp_path: Path) -> list[str]:
    path = tmp_path / "diary"
    return path.read_text().splitlines() if path.is_file() else []


def test_a_sequence_is_written_whole_and_in_the_fields_layout(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcomes = run_names(work(root, out), TEST_NAMES)
    assert [(one.name, one.state, one.frames) for one in outcomes] == [
        ("airplane-1", "done", 8), ("bear-4", "done", 6),
    ]  # fmt: skip
    lines = (out / "airplane-1.txt").read_text().splitlines()
    assert lines[0] == "5\t8\t16\t12"
    assert lines[1:] == ["5\t8\t16\t12"] * 7  # 5.9 is cut, not rounded
    times = (out / "airplane-1_time.txt").read_text().split()
    assert len(times) == 8
    truths = [video.truth() for video in map(open_set("lasot", "test", root=root).read, TEST_NAMES)]
    read = read_results(out, truths)
    assert read.findings == ()
    assert read.frames_per_second is not None
    assert "the white airplane on the left" in diary(tmp_path)[0]


def test_layouts_and_what_is_told(root: Path, tmp_path: Path) -> None:
    run_names(work(root, tmp_path / "a", plan(layout="got10k")), ["bear-4"])
    assert (tmp_path / "a/bear-4.txt").read_text().splitlines()[1] == "5.900,8.000,16.000,12.000"
    run_names(work(root, tmp_path / "b", plan(told="sentence")), ["bear-4"])
    assert (tmp_path / "b/bear-4.txt").read_text().splitlines()[0] == "1\t2\t3\t4"
    run_names(work(root, tmp_path / "c", plan(told="box")), ["bear-4"])
    run_names(work(root, tmp_path / "d", plan(text=False)), ["bear-4"])
    assert [len(line.split()) > 1 for line in diary(tmp_path)] == [True, True, False, False]


def test_finished_sequences_are_kept_only_if_whole_and_of_the_same_plan(
    root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = work(root, out)

    def states() -> list[str]:
        return [one.state for one in run_names(job, TEST_NAMES)]

    assert states() == ["done", "done"]
    assert states() == ["kept", "kept"]
    assert len(diary(tmp_path)) == 2
    (out / "bear-4.txt").write_text("5\t8\t16\t12\n")
    assert states() == ["kept", "done"]
    (out / "airplane-1_time.txt").unlink()
    assert states() == ["done", "kept"]
    (out / "done/bear-4.json").write_text("{ damaged")
    assert states() == ["kept", "done"]
    assert not is_complete(out, "bear-4", 6, plan(weights="other"))
    assert not is_complete(out, "bear-4", 7, plan())


def test_a_folder_belongs_to_one_plan(tmp_path: Path) -> None:
    open_folder(tmp_path, plan())
    open_folder(tmp_path, plan())
    with pytest.raises(ConfigError, match="made with another told, weights: choose another --out"):
        open_folder(tmp_path, plan(told="box", weights="x"))
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(ConfigError, match="is damaged: remove the folder"):
        open_folder(tmp_path, plan())


def test_a_damaged_picture_fails_its_sequence_and_leaves_no_file(
    root: Path, tmp_path: Path
) -> None:
    write(root / "lasot/bear/bear-4/img/00000003.jpg", "no picture")
    write(root / "lasot/airplane/airplane-1/groundtruth.txt", "1,2\n")
    out = tmp_path / "out"
    outcomes = {one.name: one for one in run_names(work(root, out), TEST_NAMES)}
    assert outcomes["bear-4"].state == outcomes["airplane-1"].state == "failed"
    assert "00000003.jpg is damaged" in outcomes["bear-4"].error
    assert "has 2 values where 4" in outcomes["airplane-1"].error
    assert not list(out.glob("*.txt"))


def test_the_tracker_is_made_only_when_something_is_to_do(root: Path, tmp_path: Path) -> None:
    videos = [open_set("lasot", "test", root=root).read(name) for name in TEST_NAMES]
    made = []

    def make() -> object:
        made.append(1)
        return stands_still(str(tmp_path / "diary"))

    for _ in range(2):
        list(run_everything(make, videos, tmp_path / "out", plan()))  # type: ignore[arg-type]
    assert len(made) == 1


def test_processes_share_the_sequences(root: Path, tmp_path: Path) -> None:
    outcomes = list(in_processes(work(root, tmp_path / "out"), TEST_NAMES, 2))
    assert {one.name for one in outcomes} == set(TEST_NAMES)
    assert all(one.state == "done" for one in outcomes)
    assert str(os.getpid()) not in {line.split()[0] for line in diary(tmp_path)}


def test_a_dead_worker_loses_only_unfinished_work(root: Path, tmp_path: Path) -> None:
    dies = tmp_path / "dies"
    dies.touch()
    job = work(root, tmp_path / "out", dies=str(dies))
    first = list(in_processes(job, TEST_NAMES, 2))
    assert any("worker process died" in one.error for one in first)
    again = {one.name: one.state for one in in_processes(job, TEST_NAMES, 2)}
    assert set(again.values()) <= {"done", "kept"}
    assert set(again) == set(TEST_NAMES)


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from benchmark_support import work
from vl_track.scoring.engines import run_names
run_names(work(Path({root!r}), Path({out!r}), pause=0.02), {names!r})
"""


@pytest.mark.slow
def test_kills_at_any_moment_leave_whole_results_or_none(root: Path, tmp_path: Path) -> None:
    """SIGKILL ten times at different moments; at the end all is as of one undisturbed run."""
    out = tmp_path / "out"
    text = SCRIPT.format(
        tests=str(REPOSITORY / "tests"), root=str(root), out=str(out), names=TEST_NAMES
    )
    for attempt in range(10):
        process = subprocess.Popen([sys.executable, "-c", text])
        deadline = time.monotonic() + 60
        while len(diary(tmp_path)) <= attempt and time.monotonic() < deadline:
            if process.poll() is not None:
                break
            time.sleep(0.005)
        time.sleep(0.015 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name, frames in zip(TEST_NAMES, (8, 6), strict=True):
            path = out / f"{name}.txt"
            assert not path.is_file() or path.read_bytes().count(b"\n") == frames
        if process.returncode == 0:
            break
    run_names(work(root, out), TEST_NAMES)
    undisturbed = tmp_path / "other/out"
    (tmp_path / "other").mkdir()
    run_names(work(root, undisturbed), TEST_NAMES)
    for name in TEST_NAMES:
        assert (out / f"{name}.txt").read_bytes() == (undisturbed / f"{name}.txt").read_bytes()
    assert not list(out.rglob("*.tmp"))


def test_speed_is_told_with_and_without_decoding() -> None:
    outcomes = [
        Outcome(name="a", state="done", frames=10, tracking_seconds=1, seconds=2),
        Outcome(name="b", state="done", frames=30, tracking_seconds=3, seconds=6),
        Outcome(name="c", state="kept", frames=99),
        Outcome(name="d", state="failed", error="why"),
    ]
    found = summary(outcomes)
    assert found["frames_per_second_tracker"] == 10
    assert found["frames_per_second_with_decoding"] == 5
    assert (found["done"], found["kept"], found["failed"]) == (2, 1, {"d": "why"})
    assert summary(outcomes[2:3])["frames_per_second_tracker"] is None


def test_times_leave_decoding_out(root: Path, tmp_path: Path) -> None:
    video = open_set("lasot", "test", root=root).read("bear-4")
    follower = stands_still(str(tmp_path / "diary"), pause=0.02)
    outcome = run_sequence(follower, video, tmp_path / "out", plan())
    times = np.loadtxt(tmp_path / "out/bear-4_time.txt")
    assert (times[1:] >= 0.02).all()
    assert outcome.tracking_seconds == pytest.approx(times.sum(), abs=1e-4)
    assert outcome.seconds > outcome.tracking_seconds


def test_ray_that_is_not_there_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install 'ray"):
        list(on_ray(work(root, tmp_path / "out"), TEST_NAMES, address=None, gpus=0))


class LocalRay:
    """Ray's few calls that are used, done at once in this process; the last task is lost."""

    class exceptions:  # noqa: N801
        class RayError(Exception):
            pass

    def __init__(self) -> None:
        self.asked: dict[str, object] = {}
        self.queue: list[object] = []

    def init(self, **words: object) -> None:
        self.asked |= words

    def remote(self, **words: object) -> object:
        self.asked |= words

        def wrap(function: object) -> object:
            class Task:
                remote = staticmethod(lambda *a: (function, a[0], tuple(a[1])))

            return Task

        return wrap

    def wait(self, waiting: list[object], num_returns: int) -> tuple[list[object], list[object]]:
        return waiting[:num_returns], waiting[num_returns:]

    def shutdown(self) -> None:
        self.asked["ended"] = True

    def get(self, task: tuple[object, object, tuple[str, ...]]) -> object:
        function, job, names = task
        if "bear-4" in names:
            raise self.exceptions.RayError
        return function(job, list(names))  # type: ignore[operator]


def test_ray_runs_a_task_a_sequence(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real Ray is an optional package; where it is installed the next test uses it."""
    ray = LocalRay()
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: True)
    real = engines.importlib.import_module
    monkeypatch.setattr(
        engines.importlib, "import_module", lambda name: ray if name == "ray" else real(name)
    )
    monkeypatch.setattr(engines.Work, "__hash__", lambda self: 1)
    job = work(root, tmp_path / "out")
    found = {one.name: one for one in on_ray(job, TEST_NAMES, address="here", gpus=0.25)}
    assert found["airplane-1"].state == "done"
    assert "Ray task was lost (RayError ): run again" in found["bear-4"].error
    assert ray.asked["address"] == "here"
    assert ray.asked["num_gpus"] == 0.25
    assert ray.asked["max_retries"] == 3
    assert ray.asked["ended"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_the_real_ray(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "tests"))  # workers find the tracker there
    found = list(on_ray(work(root, tmp_path / "out"), TEST_NAMES, address=None, gpus=0))
    assert {one.state for one in found} == {"done"}, found
    assert len(diary(tmp_path)) == 2


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = tiny_network()
    save_network(tmp_path / "model", tiny_config(), network.state_dict())
    return tmp_path / "model"


def command(*words: object) -> int:
    return APP.main(["benchmark", *map(str, words)])


def test_the_command_runs_resumes_and_is_evaluated(
    root: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results/tiny"
    words = ("lasot", "--root", root, "--out", out, "--weights", model)
    assert command(*words) == 0
    printed = capsys.readouterr().out
    assert "2 sequences tracked, 0 were there, 14 frames at" in printed
    assert "with decoding" in printed
    assert command(*words) == 0
    assert "0 sequences tracked, 2 were there" in capsys.readouterr().out
    assert json.loads((out / "last_launch.json").read_text())["kept"] == 2
    assert (
        APP.main(["evaluate", "--results", str(out), "--root", str(root), "--samples", "50"]) == 0
    )
    assert "2 sequences of lasot, 14 frames" in capsys.readouterr().out
    assert command(*words, "--told", "box") == 1
    assert "made with another told" in capsys.readouterr().err
    assert command(*words, "--sequences", "bear-4", "cat-1") == 1
    assert "lasot test has no sequence cat-1" in capsys.readouterr().err


def test_the_command_names_failed_sequences(
    root: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root / "lasot/bear/bear-4/img/00000003.jpg", "no picture")
    words = ("lasot", "--root", root, "--out", tmp_path / "out", "--weights", model)
    assert command(*words) == 1
    captured = capsys.readouterr()
    assert "1 sequences tracked" in captured.out
    assert "bear-4: " in captured.err
    assert "1 of 2 sequences failed" in captured.err


def test_another_model_has_another_digest(model: Path, tmp_path: Path) -> None:
    before = digest_of(str(model))
    assert before == digest_of(str(model))
    config = model / "config.json"
    config.write_text(config.read_text() + " ")
    assert digest_of(str(model)) != before
    with pytest.raises(ConfigError, match="no model at"):
        digest_of(str(tmp_path / "none"))


def test_workers_are_started_anew() -> None:
    """Forked workers would share torch's threads; spawned ones import what they need."""
    assert multiprocessing.get_context("spawn").get_start_method() == "spawn"
