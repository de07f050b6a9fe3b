"""run.json: what it holds, and that it never hides another error."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import holdfast.training.callbacks.run_record as record_module
from holdfast.errors import CheckpointError, DiskError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.identity import Identity
from holdfast.runs.record import git_state, hardware, read_record
from holdfast.training.callbacks import RunRecord


def trainer(step: int) -> Any:
    return SimpleNamespace(
        global_step=step, strategy=object(), world_size=1, precision="32-true", is_global_zero=True
    )


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    return RunRecord(
        RunDirectory(path=tmp_path),
        {"model": {"rate": 0.9}},
        identity=Identity(recipe={"model.rate": 0.9}, seed=3),
        coordinates={"experiment": "x"},
        closing=lambda _: "all well",
    )


def test_the_life_of_a_run(record: RunRecord) -> None:
    path = record.directory.record
    record.on_fit_start(trainer(0), None)  # type: ignore[arg-type]
    assert read_record(path)["status"] == "running"
    record.on_fit_end(trainer(10), None)  # type: ignore[arg-type]
    found = read_record(path)
    assert found["status"] == "finished"
    assert found["seed"] == 3
    assert found["config"] == {"model": {"rate": 0.9}}
    assert found["coordinates"] == {"experiment": "x"}
    assert found["identity"]["recipe"] == {"model.rate": 0.9}
    assert found["launches"][0]["to_step"] == 10
    assert found["launches"][0]["hardware"]["precision"] == "32-true"


def test_each_launch_is_kept(record: RunRecord) -> None:
    for first, last in ((0, 4), (4, 10)):
        record.on_fit_start(trainer(0), None)  # type: ignore[arg-type]  # Lightning's counters then
        record.on_train_start(trainer(first), None)  # type: ignore[arg-type]
        record.on_fit_end(trainer(last), None)  # type: ignore[arg-type]
    launches = read_record(record.directory.record)["launches"]
    assert [(launch["from_step"], launch["to_step"]) for launch in launches] == [(0, 4), (4, 10)]


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), "interrupted"), (RuntimeError("no"), "failed")],
)
def test_early_ends(record: RunRecord, error: BaseException, status: str) -> None:
    record.on_fit_start(trainer(0), None)  # type: ignore[arg-type]
    record.on_exception(trainer(5), None, error)  # type: ignore[arg-type]
    found = read_record(record.directory.record)
    assert found["status"] == status
    assert type(error).__name__ in found["launches"][0]["error"]


def test_a_full_disk_does_not_hide_the_first_error(
    record: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.on_fit_start(trainer(0), None)  # type: ignore[arg-type]

    def full(*_: object) -> None:
        raise DiskError("full")

    monkeypatch.setattr(record_module, "write_text", full)
    record.on_exception(trainer(5), None, RuntimeError("first"))  # type: ignore[arg-type]
    with pytest.raises(DiskError):
        record.on_fit_end(trainer(5), None)  # type: ignore[arg-type]


def test_the_checkpoint_carries_the_configuration(record: RunRecord) -> None:
    checkpoint: dict[str, Any] = {}
    record.on_save_checkpoint(trainer(1), None, checkpoint)  # type: ignore[arg-type]
    assert json.loads(checkpoint["holdfast_config"]) == {"model": {"rate": 0.9}}
    record.on_load_checkpoint(trainer(1), None, checkpoint)  # type: ignore[arg-type]


def test_the_checkpoint_of_another_run_is_refused(record: RunRecord) -> None:
    """last.ckpt of another seed, put into the folder, used to be resumed without a word."""
    checkpoint: dict[str, Any] = {}
    record.on_save_checkpoint(trainer(1), None, checkpoint)  # type: ignore[arg-type]
    other = RunRecord(
        record.directory, {}, identity=Identity(recipe={"model.rate": 0.9}, seed=4), coordinates={}
    )
    with pytest.raises(CheckpointError, match=r"belongs to another run .*seed 3"):
        other.on_load_checkpoint(trainer(1), None, checkpoint)  # type: ignore[arg-type]


def test_a_finished_run_ends_with_one_line(
    record: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    record.on_fit_start(trainer(0), None)  # type: ignore[arg-type]
    record.directory.checkpoints.mkdir()
    record.directory.best.touch()
    capsys.readouterr()
    record.on_fit_end(trainer(10), None)  # type: ignore[arg-type]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("finished at step 10; all well; checkpoint checkpoints/best.ckpt; ")
    assert line.endswith(f"folder {record.directory.path}")


@pytest.mark.parametrize("text", ["[1]", "{", '{"launches": 3}', '{"launches": [1, {"a": 2}]}',
                                  '{"identity": [], "coordinates": 3, "config": "x"}'])  # fmt: skip
def test_a_damaged_record_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    found = read_record(tmp_path / "run.json")
    assert all(isinstance(launch, dict) for launch in found.get("launches", []))
    assert all(isinstance(found.get(n, {}), dict) for n in ("identity", "coordinates", "config"))


def test_git_state_tells_commit_and_changes(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-m", "a")
    state = git_state(tmp_path)
    assert state is not None
    assert len(str(state["commit"])) == 40
    assert state["changed"] is False
    (tmp_path / "a").write_text("b")
    changed = git_state(tmp_path)
    assert changed is not None
    assert changed["changed"] is True


def test_hardware_names_the_processor() -> None:
    found = hardware()
    assert found["processor"]
    assert found["threads"] >= 1
    assert isinstance(found["gpus"], list)
