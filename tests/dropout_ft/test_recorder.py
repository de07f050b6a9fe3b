"""What an evaluation leaves behind, in training and outside it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dropout_ft.app import APP
from dropout_ft.data.table import EvaluationTable
from dropout_ft.results.scores import score
from dropout_ft.results.store import logits_steps, read_logits, read_table
from dropout_ft.training.collecting import Evaluation
from dropout_ft.training.recorder import EvaluationRecorder, check_seen, keep_table
from holdfast.errors import DataError, DivergedError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.results import read_results
from tables_support import make_logits, make_table
from tests_support import only_run


def evaluation(seed: int, table: EvaluationTable, rows: slice = slice(None)) -> Evaluation:
    index = np.arange(len(table))[rows]
    return Evaluation(
        index=index, label=table.label[rows], domain=table.domain[rows], part=table.part[rows],
        logits={
            "current": make_logits(table, seed)[rows],
            "average": make_logits(table, seed + 100)[rows],
        },
    )  # fmt: skip


@pytest.fixture
def recorder(tmp_path: Path) -> EvaluationRecorder:
    return EvaluationRecorder(RunDirectory(path=tmp_path))


def test_logits_and_table_allow_scoring_again_without_a_network(
    recorder: EvaluationRecorder, tmp_path: Path
) -> None:
    for step in (300, 600):
        recorder._write(step, evaluation(step, make_table()), make_table())
    table = read_table(tmp_path / "table.json")
    rows = read_results(tmp_path / "results.jsonl")
    assert logits_steps(tmp_path / "logits") == [row["step"] for row in rows] == [300, 600]
    for row in rows:
        assert row["seen"] == 60
        for name in ("current", "average"):
            stored = read_logits(tmp_path / "logits", row["step"])[name]
            assert score(stored, table) == row[name]
            expected = evaluation(row["step"], table).scores()[name]
            assert {key: row[name][key] for key in expected} == expected


def test_an_evaluation_repeated_after_a_kill_is_recorded_once(
    recorder: EvaluationRecorder, tmp_path: Path
) -> None:
    for seed in (0, 1):
        recorder._write(300, evaluation(seed, make_table()), make_table())
    assert len(read_results(tmp_path / "results.jsonl")) == 1
    found = read_logits(tmp_path / "logits", 300)["current"]
    assert np.array_equal(found, make_logits(make_table(), 1))


def test_other_images_than_before_are_never_mixed_in(
    recorder: EvaluationRecorder, tmp_path: Path
) -> None:
    """A grown folder left the old table.json beside the new logits: wrong labels, wrong figures."""
    table = make_table()
    recorder._write(300, evaluation(0, table), table)
    other = replace(table, label=(table.label + 1) % 4)
    with pytest.raises(DataError, match="not those of its earlier evaluations"):
        keep_table(recorder.directory, other)
    recorder.directory.start_over()
    keep_table(recorder.directory, other)
    assert np.array_equal(read_table(tmp_path / "table.json").label, other.label)


def test_an_evaluation_that_missed_images_is_refused() -> None:
    table = make_table()
    data: Any = SimpleNamespace(table=table, always_evaluated=np.ones(len(table), dtype=bool))
    check_seen(evaluation(0, table), data)
    with pytest.raises(RuntimeError, match="missed 10 of 60"):
        check_seen(evaluation(0, table, slice(10, None)), data)


def test_logits_that_are_not_finite_end_the_run() -> None:
    found = evaluation(0, make_table())
    found.logits["current"][3, 1] = np.inf
    with pytest.raises(DivergedError, match="step 7 the current network's logits of 1 of 60"):
        found.scores(7)


@pytest.mark.parametrize("command", ["validate", "test"])
def test_nothing_is_written_outside_training(
    tiny_arguments: Callable[..., list[str]], tmp_path: Path, command: str
) -> None:
    assert APP.main(tiny_arguments("fit")) == 0
    run = only_run(tmp_path / "runs")
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.safetensors")}
    results = (run / "results.jsonl").read_text()
    assert APP.main(tiny_arguments(command)) == 0
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*.safetensors")} == before
    assert (run / "results.jsonl").read_text() == results
