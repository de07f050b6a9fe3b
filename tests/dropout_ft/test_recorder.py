"""What an evaluation leaves behind, in training and outside it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from dropout_ft.results.scores import score
from dropout_ft.results.store import read_logits, read_table
from dropout_ft.training.recorder import EvaluationRecorder
from holdfast.runs.results import read_results
from tables_support import make_logits, make_table


def trainer(folder: Path, *, step: int = 300, **changes: Any) -> Any:
    settings = {
        "default_root_dir": str(folder),
        "global_step": step,
        "sanity_checking": False,
        "is_global_zero": True,
        "state": SimpleNamespace(fn="fit"),
        **changes,
    }
    return SimpleNamespace(**settings)


def logits(seed: int) -> dict[str, torch.Tensor]:
    table = make_table()
    return {
        "current": torch.from_numpy(make_logits(table, seed)),
        "average": torch.from_numpy(make_logits(table, seed + 100)),
    }


def test_scores_of_every_set_of_weights_are_recorded(tmp_path: Path) -> None:
    table = make_table()
    found = EvaluationRecorder(trainer(tmp_path), table).record(logits(0))
    expected = {name: score(values.numpy(), table) for name, values in logits(0).items()}
    assert found == expected
    row = read_results(tmp_path / "results.jsonl")[0]
    assert row == {"step": 300, "seen": 60, **expected}


def test_logits_and_table_allow_scoring_again_without_a_network(tmp_path: Path) -> None:
    for step in (300, 600):
        EvaluationRecorder(trainer(tmp_path, step=step), make_table()).record(logits(step))
    table = read_table(tmp_path / "table.json")
    stored = read_logits(tmp_path / "logits")
    rows = read_results(tmp_path / "results.jsonl")
    assert list(stored) == [row["step"] for row in rows] == [300, 600]
    for row in rows:
        for name in ("current", "average"):
            assert score(stored[row["step"]][name], table) == row[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": SimpleNamespace(fn="validate")},
        {"state": SimpleNamespace(fn="test")},
        {"sanity_checking": True},
        {"is_global_zero": False},
    ],
)
def test_nothing_is_written_outside_training_or_by_other_ranks(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    scores = EvaluationRecorder(trainer(tmp_path, **changes), make_table()).record(logits(0))
    assert 0 <= scores["current"]["ood"] <= 1
    assert list(tmp_path.iterdir()) == []


def test_an_evaluation_repeated_after_a_kill_is_recorded_once(tmp_path: Path) -> None:
    for seed in (0, 1):
        EvaluationRecorder(trainer(tmp_path), make_table()).record(logits(seed))
    rows = read_results(tmp_path / "results.jsonl")
    assert len(rows) == 1
    assert np.array_equal(
        read_logits(tmp_path / "logits")[300]["current"], logits(1)["current"].numpy()
    )
