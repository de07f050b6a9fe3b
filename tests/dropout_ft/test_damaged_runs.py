"""A damaged run is one sentence that names the file and the line, never a traceback."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dropout_ft.app import APP
from dropout_ft.results.rows import read_rows, training_seconds
from dropout_ft.results.run import load_run
from dropout_ft.sweep.training import train
from dropout_ft.training.hooks import closing
from holdfast.errors import DataError
from holdfast.runs.directory import RunDirectory
from tests_support import only_run

GOOD: dict[str, Any] = {"step": 1, "current": {"iid": 0.5}}


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"step": "two", "current": {"iid": 0.5}},
        {"step": True, "current": {"iid": 0.5}},
        {"step": 2},
        {"step": 2, "current": [0.5]},
        {"step": 2, "current": {}},
        {"step": 2, "current": {"iid": "0.5"}},
        {"step": 2, "current": {"iid": 0.5, "ood": None}},
        {"step": 2, "current": {"iid": 0.5}, "average": {"iid": "x"}},
        {"step": 1, "current": {"iid": 0.5}},
    ],
)
def test_a_row_that_is_no_evaluation_is_named(tmp_path: Path, row: dict[str, Any]) -> None:
    """A row `{}` was a KeyError, a step of text a ValueError."""
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(DataError, match=r"results\.jsonl, line 2"):
        read_rows(path)


def test_the_closing_line_names_a_damaged_row(tmp_path: Path) -> None:
    """A row with a step and no `current`, from another program, was a KeyError after training."""
    directory = RunDirectory(path=tmp_path)
    directory.results.write_text(json.dumps(GOOD) + "\n")
    assert closing(directory) == "selected step 1: i.i.d. 50.0 %"
    directory.results.write_text(json.dumps(GOOD) + '\n{"step": 2, "loss": 1}\n')
    with pytest.raises(DataError, match=r"results\.jsonl, line 2, .*no i\.i\.d\. accuracy"):
        closing(directory)


def test_a_job_names_a_damaged_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job of a sweep had the same KeyError; a run without evaluations was a ValueError."""
    directory = RunDirectory(path=tmp_path)
    monkeypatch.setattr(type(APP), "run_lightning", lambda *_: SimpleNamespace(directory=directory))
    with pytest.raises(DataError, match="no evaluation"):
        train(folder=str(tmp_path), settings=[], files=[])
    directory.results.write_text('{"step": 2}\n')
    with pytest.raises(DataError, match=r"results\.jsonl, line 1"):
        train(folder=str(tmp_path), settings=[], files=[])


def test_whole_rows_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    rows = [GOOD, {"step": 2, "seen": 4, "current": {"iid": 1, "ood": 0.5}, "average": {"iid": 1}}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_rows(path) == rows
    path.write_text('{"step": 1, "current": {"iid": NaN}}')
    with pytest.raises(DataError, match="no finite"):
        read_rows(path)


@pytest.mark.parametrize("seconds", [None, "3", [], float("nan"), -1, float("inf")])
def test_a_launch_whose_time_is_no_number_is_named(seconds: object) -> None:
    """`wall_seconds: null` was a TypeError."""
    with pytest.raises(DataError, match=r"run\.json: the wall_seconds of launch 2"):
        training_seconds({"launches": [{"wall_seconds": 1}, {"wall_seconds": seconds}]}, "run.json")
    assert training_seconds({"launches": [{"wall_seconds": 1}, {}]}, "run.json") == 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    root = tmp_path_factory.mktemp("trained")
    words = ["fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(pictures),
             "--run.root", str(root), "--data.test_domains", "[a]"]  # fmt: skip
    assert APP.main(words) == 0
    return only_run(root)


def test_a_report_of_a_damaged_run_is_one_sentence(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / "results.jsonl").write_text("{}\n")
    assert APP.main(["report", str(run), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "results.jsonl, line 1" in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_a_report_needs_no_launches(trained: Path, tmp_path: Path) -> None:
    """A record without launches, or with odd ones, was a traceback when the page was made."""
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "launches": []}))
    assert APP.main(["report", str(run), "--out", str(tmp_path / "out")]) == 0
    assert load_run(run).seconds == 0
    record["identity"] |= {"processes": None, "accelerator": "cuda"}
    (run / "run.json").write_text(json.dumps(record))
    assert load_run(run).gpus == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--dropout_rates", "1.5"], "dropout_rates"),
        (["--seeds", "[]"], "seeds"),
        (["--dropout_rates", "[]"], "dropout_rates"),
        (["--steps", "-5"], "--steps"),
    ],
)
def test_advise_refuses_what_cannot_be_tried_before_it_writes(
    words: list[str], expected: str, pictures: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A rate of 1.5 and no seeds at all were tracebacks of pydantic."""
    out = tmp_path / "advice"
    given = ["advise", str(pictures), "--out", str(out), "--recipe", "quick", "--onnx", "false"]
    assert APP.main([*given, *words]) == 1
    error = capsys.readouterr().err
    assert expected in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()
