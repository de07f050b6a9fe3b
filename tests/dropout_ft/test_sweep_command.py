"""What `dropout-ft sweep` prints, how it ends, and the jobs it hands out."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from dropout_ft.app import APP
from dropout_ft.commands.sweep import plan_text, shared_stream, steps_of
from dropout_ft.results.run import run_directories
from dropout_ft.sweep.config import Variant, read_sweep_config
from dropout_ft.sweep.expand import TARGET, jobs_of, lines
from dropout_ft.sweep.training import train
from holdfast.errors import DataError
from holdfast.jobs.job import Job
from holdfast.jobs.pool import Pool


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "first.yaml").write_text("trainer: {max_steps: 100}\n")
    (tmp_path / "second.yaml").write_text("model: {}\n")
    path = tmp_path / "plan.yaml"
    content: dict[str, Any] = {
        "fit": ["first.yaml", "second.yaml"], "domains": ["0", "1"], "dropout_rates": [0, 0.9],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def pool(plan: Path, tmp_path: Path) -> Pool:
    pool = Pool(root=tmp_path / "out", jobs=jobs_of(read_sweep_config(plan)))
    pool.describe()
    return pool


def test_the_plan_lists_states_and_cost(pool: Pool) -> None:
    first, second, third, _ = pool.folders()
    first.finish({"iid": 0.5, "ood": 0.4}, 60.0)
    second.start()
    third.fail("diverged", "The loss became nan.")
    text = plan_text(pool, workers=1)
    states = [line.split("  ")[0].strip() for line in text.splitlines()[:4]]
    assert states == ["done", "incomplete", "failed", "not started"]
    assert "4 jobs, 2 to run, 200 optimiser steps, about 2 min at the mean of those done" in text


def test_two_workers_take_half_the_time(pool: Pool) -> None:
    pool.folders()[0].finish({}, 60.0)
    assert "about 90 s" in plan_text(pool, workers=2)


def test_steps_come_from_the_last_file_that_says_them_or_the_sweeps_own_setting(
    plan: Path,
) -> None:
    config = read_sweep_config(plan)
    assert steps_of(jobs_of(config)[0]) == 100
    (plan.parent / "second.yaml").write_text("trainer: {max_steps: 7}\n")
    assert steps_of(jobs_of(config)[0]) == 7
    config.variants["longer"] = Variant(set={"trainer.max_steps": 20})
    assert [steps_of(job) for job in jobs_of(config)] == [7] * 4 + [20] * 4
    config.set["trainer.max_steps"] = 3
    assert steps_of(jobs_of(config)[0]) == 3
    (plan.parent / "first.yaml").write_text("")
    (plan.parent / "second.yaml").write_text("")
    config.set.clear()
    assert steps_of(jobs_of(config)[0]) is None


@pytest.mark.parametrize(
    "text",
    ["trainer: {max_steps: '${x}'}", "trainer: trainer.yaml", "trainer: {max_steps: -1}"],
)
def test_steps_that_stand_elsewhere_are_unknown(plan: Path, text: str, tmp_path: Path) -> None:
    """An interpolation was a ValueError, a trainer in a file of its own an AttributeError."""
    (plan.parent / "second.yaml").write_text(text)
    pool = Pool(root=tmp_path / "other", jobs=jobs_of(read_sweep_config(plan)))
    assert "4 jobs, 4 to run, steps unknown, time unknown" in plan_text(pool, workers=1)


def test_a_shared_stream_lasts_as_long_as_the_sweep(tmp_path: Path) -> None:
    def interrupted() -> Path:
        with contextlib.suppress(KeyboardInterrupt), shared_stream(tmp_path):
            stream = Path(os.environ["HOLDFAST_STREAM"])
            stream.mkdir()
            (stream / "a.safetensors").write_bytes(b"a batch")
            raise KeyboardInterrupt
        return stream

    stream = interrupted()
    assert not stream.exists()
    assert "HOLDFAST_STREAM" not in os.environ


def test_a_job_says_what_to_train_and_nothing_about_where(plan: Path, pool: Pool) -> None:
    for job in pool.jobs:
        assert job.target == TARGET
        assert all(word.startswith("--") for word in job.arguments["settings"])
        assert str(plan.parent) not in json.dumps(job.arguments), "a moved checkout is the same"
        assert pool.folder(job).job() == job


def test_the_lines_of_a_plan(pool: Pool) -> None:
    found = list(lines(list(pool.jobs)))
    assert len(found) == 4
    assert all(line.startswith(job.digest) for line, job in zip(found, pool.jobs, strict=True))
    assert found[0].endswith("0, rate 0, seed 0")


def test_a_described_job_is_not_written_over(pool: Pool) -> None:
    folder = pool.folders()[0]
    before = (folder.path / "job.json").stat().st_mtime_ns
    pool.describe()
    assert (folder.path / "job.json").stat().st_mtime_ns == before


def test_unknown_sweeps_and_options_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(["sweep", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml cannot be read" in capsys.readouterr().err
    assert APP.main(["sweep", str(tmp_path / "none.yaml"), "--engine", "kubernetes"]) == 2
    assert "kubernetes" in capsys.readouterr().err


def test_training_returns_the_selected_step_and_repeats_nothing(
    pictures: Path, tmp_path: Path
) -> None:
    files = [str(Path("configs/dropout_ft/tiny.yaml").resolve())]
    settings = [f"--data.source={pictures}", "--seed_everything=3"]
    first = train(folder=str(tmp_path), files=files, settings=settings)
    assert set(first) == {"iid", "ood", "step"}
    assert 0 <= first["iid"] <= 1
    (run,) = run_directories(tmp_path)
    results = (run / "results.jsonl").stat().st_mtime_ns
    assert train(folder=str(tmp_path), files=files, settings=settings) == first
    assert (run / "results.jsonl").stat().st_mtime_ns == results


def test_runs_are_found_in_a_sweeps_folder(tmp_path: Path) -> None:
    for digest in ("b", "a"):
        place = tmp_path / "jobs" / digest / f"run-{digest}"
        place.mkdir(parents=True)
        (place / "run.json").write_text('{"status": "finished"}')
    assert [path.name for path in run_directories(tmp_path)] == ["run-a", "run-b"]
    with pytest.raises(DataError, match="no runs"):
        run_directories(tmp_path / "jobs" / "a" / "nothing")


def test_jobs_of_one_digest_share_a_folder(tmp_path: Path) -> None:
    one = Job(target="a:b", arguments={}, name="x")
    other = Job(target="a:b", arguments={}, name="y")
    pool = Pool(root=tmp_path, jobs=[one, other])
    assert pool.folder(one) == pool.folder(other)


def test_settings_on_the_command_line_come_after_those_of_the_file(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make clip-pacs WEIGHTS=file` gives every run the file's path."""
    content = yaml.safe_load(plan.read_text()) | {"set": {"trainer.max_steps": 50, "a.b": 1}}
    plan.write_text(yaml.safe_dump(content))
    words = ["sweep", str(plan), "--out", str(tmp_path / "x"), "--dry_run"]
    assert APP.main([*words, "--set", "trainer.max_steps=9"]) == 0
    assert "4 jobs, 4 to run, 36 optimiser steps" in capsys.readouterr().out
    assert APP.main([*words, "--set", "trainer.max_steps"]) == 1
    assert "has no '='" in capsys.readouterr().err
