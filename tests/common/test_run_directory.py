"""The run directory is a function of what a run computes, and of nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning
import torch

from holdfast.errors import CheckpointError, DataError
from holdfast.runs.directory import RunConfig, RunDirectory, config_hash, run_directory
from holdfast.runs.record import git_state, package_versions, read_record
from holdfast.runs.results import read_results, record_result

CONFIG: dict[str, Any] = {
    "seed_everything": 0,
    "model": {"dropout_rate": 0.9},
    "data": {"class_path": "X", "init_args": {"root": "d", "num_workers": 0}},
    "trainer": {"max_steps": 10, "callbacks": None, "logger": None},
    "run": {"root": "runs", "resume": "auto"},
}


def changed(path: str, value: object) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(json.dumps(CONFIG))
    *parents, last = path.split(".")
    place = config
    for key in parents:
        place = place[key]
    place[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed_everything", 1),
        ("model.dropout_rate", 0.5),
        ("trainer.max_steps", 11),
        ("data.source", "e"),
        (
            "trainer.callbacks",
            [{"class_path": "holdfast.training.callbacks.GuardedWeightAveraging"}],
        ),
    ],
)
def test_what_changes_the_result_changes_the_directory(path: str, value: object) -> None:
    assert config_hash(changed(path, value)) != config_hash(CONFIG)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.num_workers", 4),
        ("trainer.logger", {"class_path": "WandbLogger", "init_args": {"project": "p"}}),
        ("trainer.callbacks", [{"class_path": "RichModelSummary"}]),
        ("run.root", "elsewhere"),
        ("run.resume", "never"),
        ("ckpt_path", "x.ckpt"),
        ("trainer.limit_val_batches", None),
    ],
)
def test_presentation_does_not(path: str, value: object) -> None:
    assert config_hash(changed(path, value)) == config_hash(CONFIG)


def test_the_hash_is_stable_over_releases() -> None:
    """Changing it would orphan every existing run; do so only with a note in the changelog."""
    assert config_hash({"model": {"a": 1}}) == config_hash({"model": {"a": 1, "b": None}})
    assert len(config_hash(CONFIG)) == 10


def test_directory_name_and_resume_choices(tmp_path: Path) -> None:
    run = RunConfig(root=str(tmp_path), name="x")
    directory = run_directory(CONFIG, run)
    assert directory.path.parent == tmp_path
    assert directory.path.name == f"x-{config_hash(CONFIG)}"
    assert not directory.path.exists(), "asking for a name creates nothing"
    assert directory.resume_path("auto") is None
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        directory.resume_path("require")
    directory.checkpoints.mkdir(parents=True)
    directory.last.touch()
    assert directory.resume_path("auto") == directory.resume_path("require") == directory.last
    assert directory.resume_path("never") is None


def test_results_drop_rows_of_a_lost_future(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for step, value in ((10, 0.1), (20, 0.2), (30, 0.3)):
        record_result(path, {"step": step, "iid": value})
    record_result(path, {"step": 20, "iid": 0.25})
    assert read_results(path) == [{"step": 10, "iid": 0.1}, {"step": 20, "iid": 0.25}]
    assert path.read_text().endswith("\n")


@pytest.mark.parametrize("line", ["{", "[1]"])
def test_damaged_results_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"step": 1}\n' + line + "\n")
    with pytest.raises(DataError, match="line 2"):
        read_results(path)


def test_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_results(tmp_path / "absent") == []
    assert read_record(tmp_path / "absent") == {}
    assert git_state(tmp_path) is None
    found = package_versions()
    assert found["torch"] == torch.__version__.split("+")[0]
    assert found["pytorch-lightning"] == pytorch_lightning.__version__
    assert "absent" not in found.values()
    monkeypatch.setattr("holdfast.runs.record.RECORDED_PACKAGES", ("no-such-package",))
    assert package_versions() == {"no-such-package": "absent"}
    (tmp_path / "run.json").write_text("{")
    assert read_record(RunDirectory(path=tmp_path).record) == {}
