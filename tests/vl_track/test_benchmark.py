"""Benchmark runs: whole results once, resumed after kills, honest speed, one model a folder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark_support import plan, pool_of, run, stands_still
from conftest import REPOSITORY
from holdfast.errors import ConfigError, DataError
from holdfast.jobs.pool import Pool
from scenes_support import painted_root, tiny_config, tiny_network
from sets_support import data_tree, write
from vl_track.app import APP
from vl_track.data.sets.known import open_set
from vl_track.graphs.kept import digest_of_model
from vl_track.loading import load_network, save_network
from vl_track.scoring.benchmarking import (
    forget_broken,
    open_folder,
    result_files,
    summary,
)
from vl_track.scoring.raw_results import read_results
from vl_track.scoring.runs import run_all, track_video
from vl_track.scoring.sets import open_set as open_any
from vl_track.tracking import Tracker

TEST_NAMES = ["airplane-1", "bear-4"]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "tests"), prepend=os.pathsep)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return data_tree(tmp_path / "data", "lasot", "got10k")


def diary(tmp_path: Path, word: str = "") -> list[str]:
    """Return the starts of the tracker; ``made`` instead gives its processes."""
    path = tmp_path / "diary"
    lines = path.read_text().splitlines() if path.is_file() else []
    return [line for line in lines if (line.split()[1:] == ["made"]) == (word == "made")]


def states(pool: Pool) -> list[str]:
    return [folder.state() for folder in pool.folders()]


def test_a_sequence_is_written_whole_and_in_the_fields_layout(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pool = run(root, out, TEST_NAMES)
    assert states(pool) == ["done", "done"]
    assert [folder.read("done")["result"]["frames"] for folder in pool.folders()] == [8, 6]
    lines = (out / "airplane-1.txt").read_text().splitlines()
    assert lines[0] == "5\t8\t16\t12"
    assert lines[1:] == ["5\t8\t16\t12"] * 7  # 5.9 is cut, not rounded
    times = (out / "airplane-1_time.txt").read_text().split()
    assert len(times) == 8
    truths = [open_set("lasot", "test", root=root).truth(name) for name in TEST_NAMES]
    read = read_results(out, truths)
    assert read.findings == ()
    assert read.frames_per_second is not None
    assert "the white airplane on the left" in diary(tmp_path)[0]


def test_the_tracker_is_made_and_the_data_set_opened_once_a_worker(
    root: Path, tmp_path: Path
) -> None:
    """Case B16: both were made anew for every sequence."""
    run(root, tmp_path / "out", TEST_NAMES)
    assert len(diary(tmp_path)) == 2
    assert len(diary(tmp_path, "made")) == 1
    assert diary(tmp_path)[0].split()[0] != str(os.getpid())


def test_layouts_and_prompts(root: Path, tmp_path: Path) -> None:
    run(root, tmp_path / "a", ["bear-4"], plan(layout="lasot"))
    assert (tmp_path / "a/bear-4.txt").read_text().splitlines()[1] == "6,8,16,12"
    run(root, tmp_path / "b", ["bear-4"], plan(prompt="text"))
    assert (tmp_path / "b/bear-4.txt").read_text().splitlines()[0] == "1\t2\t3\t4"
    run(root, tmp_path / "c", ["bear-4"], plan(prompt="box"))
    assert [len(line.split()) > 1 for line in diary(tmp_path)] == [True, True, False]


def test_got10ks_layout_is_its_toolkits(root: Path, tmp_path: Path) -> None:
    """Case B10: flat files, which the toolkit and the server do not read."""
    out = tmp_path / "out"
    names = list(open_set("got10k", "val", root=root).names)
    run(root, out, names, plan(dataset="got10k", split="val", layout="got10k"))
    name = names[0]
    assert (out / name / f"{name}_001.txt").read_text().splitlines()[1].count(".") == 4
    assert (out / name / f"{name}_time.txt").is_file()
    assert not list(out.glob("*.txt"))


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "..", "", "a\\b"])
def test_no_name_leads_out_of_the_results(name: str, tmp_path: Path) -> None:
    """Case B17: a list.txt with .. wrote files outside of --out."""
    with pytest.raises(DataError, match="lead out of"):
        result_files(tmp_path, name, "pytracking")


def test_a_list_that_leads_out_is_refused(root: Path) -> None:
    listed = root / "got10k/val/list.txt"
    listed.write_text(listed.read_text() + "../../outside\n")
    (root / "got10k/outside").mkdir()
    (root / "outside").mkdir()
    with pytest.raises(DataError, match=r"'\.\./\.\./outside', which leads out of its folder"):
        open_set("got10k", "val", root=root)


def test_finished_sequences_are_kept_only_if_whole_and_of_the_same_plan(
    root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    videos = open_set("lasot", "test", root=root)

    def again() -> set[str]:
        pool = pool_of(root, out, TEST_NAMES)
        kept = forget_broken(pool, videos)
        run(root, out, TEST_NAMES)
        assert states(pool) == ["done", "done"]
        return kept

    assert again() == set()
    assert again() == set(TEST_NAMES)
    assert len(diary(tmp_path)) == 2
    (out / "bear-4.txt").write_text("5\t8\t16\t12\n")
    assert again() == {"airplane-1"}
    (out / "airplane-1_time.txt").unlink()
    assert again() == {"bear-4"}
    (pool_of(root, out, TEST_NAMES).folders()[0].path / "done.json").unlink()
    assert again() == {"bear-4"}
    other = pool_of(root, out, TEST_NAMES, plan(weights="other"))
    assert states(other) == ["not started"] * 2
    for path in sorted((root / "lasot/bear/bear-4/img").iterdir())[-1:]:
        path.unlink()  # the data set has changed
    assert again() == {"airplane-1"}
    assert (out / "bear-4.txt").read_bytes().count(b"\n") == 5


def test_data_that_moved_is_found_and_nothing_is_tracked_again(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(root, out, TEST_NAMES)
    moved = root.rename(tmp_path / "moved")
    pool = pool_of(moved, out, TEST_NAMES)
    assert forget_broken(pool, open_set("lasot", "test", root=moved)) == set(TEST_NAMES)


def test_a_folder_belongs_to_one_plan(tmp_path: Path) -> None:
    open_folder(tmp_path, plan())
    open_folder(tmp_path, plan())
    with pytest.raises(
        ConfigError, match="made with another prompt, weights: choose another --out"
    ):
        open_folder(tmp_path, plan(prompt="box", weights="x"))
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(ConfigError, match="is damaged: remove the folder"):
        open_folder(tmp_path, plan())


def test_a_damaged_image_fails_its_sequence_and_leaves_no_file(root: Path, tmp_path: Path) -> None:
    write(root / "lasot/bear/bear-4/img/00000003.jpg", "no picture")
    write(root / "lasot/airplane/airplane-1/groundtruth.txt", "1,2\n")
    out = tmp_path / "out"
    pool = run(root, out, TEST_NAMES)
    assert states(pool) == ["failed", "failed"]
    airplane, bear = (folder.read("failed")["sentence"] for folder in pool.folders())
    assert "00000003.jpg is damaged" in bear
    assert "has 2 values where 4" in airplane
    assert not list(out.glob("*.txt"))


def test_processes_share_the_sequences(root: Path, tmp_path: Path) -> None:
    assert states(run(root, tmp_path / "out", TEST_NAMES, workers=2)) == ["done", "done"]


def test_a_dead_worker_loses_only_unfinished_work(root: Path, tmp_path: Path) -> None:
    dies = tmp_path / "dies"
    dies.touch()
    pool = run(root, tmp_path / "out", TEST_NAMES, dies=str(dies))
    assert states(pool) == ["done", "done"]
    assert pool.folders()[0].read("started")["deaths"] == 1
    assert len(diary(tmp_path, "made")) == 2


def test_a_hanging_sequence_is_ended_and_the_others_are_tracked(root: Path, tmp_path: Path) -> None:
    dies = tmp_path / "dies"
    dies.write_text("hang")
    pool = run(root, tmp_path / "out", TEST_NAMES, seconds=8.0, dies=str(dies))
    assert states(pool) == ["failed", "done"]
    assert pool.folders()[0].read("failed")["reason"] == "time"


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from benchmark_support import run
run(Path({root!r}), Path({out!r}), {names!r}, pause=0.02)
"""


@pytest.mark.slow
def test_kills_at_any_moment_leave_whole_results_or_none(root: Path, tmp_path: Path) -> None:
    """SIGKILL ten times at different moments; at the end all is as of one undisturbed run."""
    out = tmp_path / "out"
    text = SCRIPT.format(
        tests=str(REPOSITORY / "tests"), root=str(root), out=str(out), names=TEST_NAMES
    )
    for attempt in range(10):
        process = subprocess.Popen([sys.executable, "-c", text], start_new_session=True)
        deadline = time.monotonic() + 60
        while len(diary(tmp_path)) <= attempt and time.monotonic() < deadline:
            if process.poll() is not None:
                break
            time.sleep(0.005)
        time.sleep(0.015 * attempt)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for name, frames in zip(TEST_NAMES, (8, 6), strict=True):
            path = out / f"{name}.txt"
            assert not path.is_file() or path.read_bytes().count(b"\n") == frames
        if process.returncode == 0:
            break
    assert states(run(root, out, TEST_NAMES)) == ["done", "done"]
    undisturbed = tmp_path / "other/out"
    (tmp_path / "other").mkdir()
    run(root, undisturbed, TEST_NAMES)
    for name in TEST_NAMES:
        assert (out / f"{name}.txt").read_bytes() == (undisturbed / f"{name}.txt").read_bytes()
    assert not list(out.rglob("*.tmp"))


def test_speed_is_told_with_and_without_decoding(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, tmp_path / "out", ["a", "b", "c", "d"])
    first, second, third, fourth = pool.folders()
    first.finish({"frames": 10, "tracking_seconds": 1, "seconds": 2}, 2)
    second.finish({"frames": 30, "tracking_seconds": 3, "seconds": 6}, 6)
    third.finish({"frames": 99, "tracking_seconds": 1, "seconds": 1}, 1)
    fourth.fail("error", "why")
    found = summary(pool, {"c"})
    assert found["frames_per_second_tracker"] == 10
    assert found["frames_per_second_with_decoding"] == 5
    assert (found["done"], found["kept"], found["failed"]) == (2, 1, {"d": "why"})
    assert summary(pool, {"a", "b", "c"})["frames_per_second_tracker"] is None


def test_times_leave_decoding_out(root: Path, tmp_path: Path) -> None:
    video = open_set("lasot", "test", root=root).read("bear-4")
    tracker = stands_still(str(tmp_path / "diary"), pause=0.02)
    boxes, seconds = track_video(tracker, video, "box+text")
    assert len(boxes) == len(seconds) == 6
    assert min(seconds[1:]) >= 0.02
    assert boxes[0] == video.box(0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = tiny_network()
    save_network(tmp_path / "model", tiny_config(), network.state_dict())
    return tmp_path / "model"


def command(*words: object) -> int:
    return APP.main(["benchmark", *map(str, words)])


def test_scenes_are_tracked_and_scored_like_any_data_set(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`benchmark` and `evaluate` knew data sets on disk only; `score` had loops of its own."""
    root = painted_root(tmp_path / "scenes")
    names = ["test-standard-0", "test-standard-1"]
    out = tmp_path / "results/mine"
    words = ("--root", root, "--sequences", *names)
    assert command("scenes", *words, "--out", out, "--weights", model, "--layout", "got10k") == 0
    assert "2 sequences tracked" in capsys.readouterr().out
    record = tmp_path / "evaluation"
    assert APP.main(["evaluate", "--dataset", "scenes", "--results", str(out), "--convention",
                     "plain", "--samples", "50", "--out", str(record),
                     *map(str, words)]) == 0  # fmt: skip
    assert "convention plain" in capsys.readouterr().out
    found = json.loads((record / "scores.json").read_text())["trackers"]["mine"]
    videos = open_any("scenes", "test", root=root)
    tracker = Tracker(load_network(str(model)))
    runs = run_all(tracker, [videos.read(name) for name in names])
    expected = {one.name: pytest.approx(100 * one.auc, abs=0.01) for one in runs}
    assert found["sequence_auc"] == expected


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
    assert command(*words, "--prompt", "box") == 1
    assert "made with another prompt" in capsys.readouterr().err
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
    before = digest_of_model(str(model))
    assert before == digest_of_model(str(model))
    config = model / "config.json"
    config.write_text(config.read_text() + " ")
    assert digest_of_model(str(model)) != before
    with pytest.raises(ConfigError, match="no model at"):
        digest_of_model(str(tmp_path / "none"))
