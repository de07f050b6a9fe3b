"""The run directory is a function of what a run computes, and of nothing else."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytorch_lightning
import torch
from pytorch_lightning import Callback

from holdfast.errors import CheckpointError, ConfigError, DataError
from holdfast.runs.directory import RunConfig, RunDirectory, check_name, run_directory
from holdfast.runs.fingerprint import describe_change, fingerprint_named
from holdfast.runs.identity import (
    Identity,
    changed_keys,
    differences,
    digest_of,
    recipe_of,
    without,
)
from holdfast.runs.named_files import named_files
from holdfast.runs.record import git_state, package_versions, read_record
from holdfast.runs.results import read_results, record_result

CONFIG: dict[str, Any] = {
    "seed_everything": 0,
    "model": {"dropout_rate": 0.9},
    "data": {"source": "d", "num_workers": 0},
    "trainer": {"max_steps": 10, "callbacks": None, "logger": None},
    "run": {"root": "runs", "resume": "auto"},
}


class Changing(Callback):
    """Somebody's own callback, which may change what is computed."""


class Showing(Callback):
    """Somebody's own callback that declares itself presentation only."""

    presentation_only: ClassVar[bool] = True


class Inheriting(Showing):
    """Somebody's callback on top of one that only shows."""


def config_hash(config: dict[str, Any]) -> str:
    return digest_of(recipe_of(config))


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
        ("data.source", {"class_path": "other.Source", "init_args": {"root": "d"}}),
        ("trainer.precision", "bf16-mixed"),
        ("trainer.devices", 2),
        ("run.variant", "slow"),
        ("trainer.callbacks",
         [{"class_path": "holdfast.training.callbacks.GuardedWeightAveraging"}]),
        # Case A1: these were left out, so a second `fit` with them said "finished".
        ("trainer.callbacks", [{"class_path": "pytorch_lightning.callbacks.EarlyStopping"}]),
        ("trainer.callbacks",
         {"class_path": "pytorch_lightning.callbacks.GradientAccumulationScheduler"}),
        ("trainer.callbacks", [{"class_path": f"{__name__}.Changing"}]),
        ("trainer.callbacks", [{"class_path": "no.such.module.Callback"}]),
        # A subclass inherited the declaration, so it never counted whatever it did.
        ("trainer.callbacks", [{"class_path": f"{__name__}.Inheriting"}]),
    ],
)  # fmt: skip
def test_what_changes_the_result_changes_the_directory(path: str, value: object) -> None:
    assert config_hash(changed(path, value)) != config_hash(CONFIG)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.num_workers", 4),
        # The same folder by another name was another run; so were settings that change nothing.
        ("data.source", "./d"),
        ("data.source", "/absolute/d"),
        ("data.eval_batch_size", 3),
        ("data.content_hash", True),
        ("trainer.logger", {"class_path": "WandbLogger", "init_args": {"project": "p"}}),
        ("trainer.callbacks", [{"class_path": "pytorch_lightning.callbacks.RichModelSummary"}]),
        ("trainer.callbacks", [{"class_path": "holdfast.training.callbacks.LineProgress"}]),
        ("trainer.callbacks", [{"class_path": f"{__name__}.Showing"}]),
        ("run.root", "elsewhere"),
        ("run.resume", "never"),
        ("ckpt_path", "x.ckpt"),
        ("trainer.limit_val_batches", None),
    ],
)
def test_presentation_does_not(path: str, value: object) -> None:
    assert config_hash(changed(path, value)) == config_hash(CONFIG)


def test_recipes_are_compared_key_for_key() -> None:
    first, other = recipe_of(CONFIG), recipe_of(changed("model.dropout_rate", 0.5))
    assert changed_keys([first, other]) == ["model.dropout_rate"]
    assert without(first, ["model", "seed_everything"]).keys() == {"trainer.max_steps"}


def test_the_bytes_of_named_files_count(tmp_path: Path) -> None:
    """Other weights under the old name were "finished"."""
    weights, folder = tmp_path / "a.pth", tmp_path / "model"
    folder.mkdir()
    weights.write_bytes(b"one")
    (folder / "x.safetensors").write_bytes(b"one")
    recipe = {
        "model.start_from": str(folder), "model.optimizer": "torch.optim.SGD",
        "model.sign": "~nobody.at.all", "model.prompt": "A sentence. " * 1000,
        "trainer.callbacks": [{"init_args": {"weights": str(weights)}}],
    }  # fmt: skip
    before = Identity(recipe=recipe, files=named_files(recipe))
    assert sorted(before.files) == ["model.start_from", "trainer.callbacks.0.init_args.weights"]
    assert differences(before.as_dict(), before) == []
    weights.write_bytes(b"two")
    (folder / "x.safetensors").write_bytes(b"two")
    now = Identity(recipe=recipe, files=named_files(recipe))
    assert [change.what for change in differences(before.as_dict(), now)] == [
        "the file that model.start_from names",
        "the file that trainer.callbacks.0.init_args.weights names",
    ]


def identity(**changes: Any) -> Identity:
    data = {"digest": "x", "bytes": 9, "content": True, "groups": {"a": 3, "b": 2}}
    return Identity(**{"recipe": {}, "data": data, **changes})


@pytest.mark.parametrize(
    ("changes", "words", "decisive"),
    [
        ({"seed": 3}, "seed (0 before, 3 now)", True),
        ({"precision": "bf16-mixed"}, "precision (32-true before, bf16-mixed now)", True),
        ({"processes": 2}, "processes (1 before, 2 now)", True),
        ({"threads": 2}, "threads (1 before, 2 now)", False),
        ({"data": {"digest": "y", "bytes": 9, "content": True, "groups": {"a": 3, "b": 5}}},
         "the data (b: 2 files before, 5 now)", True),
        ({"data": {"digest": "y", "bytes": 9, "content": True, "groups": {"a": 3, "b": 2}}},
         "the data (other names, sizes or contents)", True),
    ],
)  # fmt: skip
def test_what_changed_since_is_named(changes: Any, words: str, decisive: bool) -> None:
    (found,) = differences(identity().as_dict(), identity(**changes))
    assert (found.what, found.decisive) == (words, decisive)


def test_nothing_changed_nothing_said() -> None:
    assert differences(identity().as_dict(), identity()) == []
    assert differences({}, identity()) == []


def test_fingerprints_know_relabelled_files_and_ignore_the_root(tmp_path: Path) -> None:
    prints = []
    for root, name in (("x", "a/1"), ("y", "a/1"), ("z", "b/1")):
        path = tmp_path / root / name
        path.parent.mkdir(parents=True)
        path.write_text("same")
        prints.append(fingerprint_named([(name, path)]).as_dict())
    assert prints[0] == prints[1] != prints[2]
    assert describe_change(prints[0], prints[2]) == (
        "a: 1 files before, 0 now; b: 0 files before, 1 now"
    )


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".hidden", "a\\b"])
def test_a_name_never_leads_out_of_the_folder_of_runs(name: str) -> None:
    with pytest.raises(ConfigError, match="one folder's name"):
        check_name(name)


def test_starting_over_removes_what_the_run_wrote_and_nothing_else(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    written = ("checkpoints/last.ckpt", "logits/step-1", "table.json", "results.jsonl")
    for name in (*written, "run.json", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    directory.start_over()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "run.json"]


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


@pytest.mark.parametrize("line", ["{", "[1]", "{}", '{"step": "ten"}', '{"step": null}'])
def test_damaged_results_are_named(tmp_path: Path, line: str) -> None:
    """A row without a step was a KeyError, here and when a run went on."""
    path = tmp_path / "results.jsonl"
    path.write_text('{"step": 1}\n' + line + "\n")
    with pytest.raises(DataError, match="line 2"):
        read_results(path)
    with pytest.raises(DataError, match="line 2"):
        record_result(path, {"step": 2})


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
