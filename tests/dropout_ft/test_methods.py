"""Ensembles, averages, scores and selection against slow, obvious references."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dropout_ft.data.table import EvaluationTable
from dropout_ft.methods.base import REGISTERED, Method, Options, method
from dropout_ft.methods.registry import all_methods
from dropout_ft.methods.run_ensemble import EnsembleOverRuns
from dropout_ft.methods.trajectory_ensemble import trajectory_ensemble
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.results.run import Run, check_same_tables
from dropout_ft.results.scores import accuracy, score, softmax
from dropout_ft.results.selection import select_iid, select_last
from dropout_ft.results.store import (
    logits_steps,
    read_logits,
    read_table,
    write_logits,
    write_table,
)
from holdfast.errors import CheckpointError, ConfigError, DataError
from tables_support import make_logits, make_run, make_table


def slow_accuracy(logits: np.ndarray, table: EvaluationTable, domain: int, part: str) -> float:
    hits = total = 0
    for row in range(len(table)):
        if table.domain[row] != domain:
            continue
        if part != "all" and table.held_out[row] != (part == "out"):
            continue
        best = max(range(logits.shape[1]), key=lambda c: logits[row, c])
        hits += best == table.label[row]
        total += 1
    return hits / total


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_the_slow_count(seed: int) -> None:
    table = make_table(seed=seed)
    logits = make_logits(table, seed)
    scores = score(logits, table)
    assert scores["env0_out_acc"] == slow_accuracy(logits, table, 0, "out")
    assert scores["env1_in_acc"] == scores["ood_in"] == slow_accuracy(logits, table, 1, "in")
    assert scores["env1_out_acc"] == scores["ood_out"] == slow_accuracy(logits, table, 1, "out")
    assert scores["ood"] == slow_accuracy(logits, table, 1, "all")
    mean = (slow_accuracy(logits, table, 0, "out") + slow_accuracy(logits, table, 2, "out")) / 2
    assert scores["iid"] == pytest.approx(mean)
    assert "env0_in_acc" not in scores


def test_ties_take_the_first_class_and_no_rows_give_nan() -> None:
    assert accuracy(np.zeros((2, 3)), np.array([0, 1])) == 0.5
    assert np.isnan(accuracy(np.zeros((0, 3)), np.zeros(0, dtype=int)))


def test_selection_takes_the_first_maximum() -> None:
    rows = [{"iid": 0.5, "n": 0}, {"iid": 0.7, "n": 1}, {"iid": 0.7, "n": 2}, {"iid": 0.1, "n": 3}]
    assert select_iid(rows)["n"] == 1
    assert select_last(rows)["n"] == 3
    for rule in (select_iid, select_last):
        with pytest.raises(ValueError, match="nothing to select"):
            rule([])


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_trajectory_ensemble_is_the_running_sum(average: str) -> None:
    table = make_table()
    logits = {step: make_logits(table, step) for step in (900, 300, 600)}
    rows = trajectory_ensemble(logits, table, start_step=600, ensemble_of=average)  # type: ignore[arg-type]
    assert [row["step"] for row in rows] == [600, 900]
    assert [row["members"] for row in rows] == [1, 2]
    total = np.zeros((len(table), 4))
    for row in rows:
        for i in range(len(table)):
            member = logits[int(row["step"])][i].astype(np.float64)
            if average == "probabilities":
                member = np.exp(member) / np.exp(member).sum()
            total[i] += member
        assert row["ood"] == slow_accuracy(total, table, 1, "all")


@given(st.lists(st.floats(-700, 700), min_size=2, max_size=6))
def test_softmax_sums_to_one_without_overflow(values: list[float]) -> None:
    rows = softmax(np.array([values]))
    assert np.isfinite(rows).all()
    assert rows.sum() == pytest.approx(1)


def test_run_ensemble_scores_the_summed_logits() -> None:
    runs = [make_run(seed=seed) for seed in range(3)]
    table = runs[0].table
    members = [run.logits[300]["current"] for run in runs]
    (scores,) = EnsembleOverRuns().scores(runs, Options())
    summed = np.array([[sum(float(m[i, c]) for m in members) for c in range(4)] for i in range(60)])
    assert scores["ood"] == slow_accuracy(summed, table, 1, "all")
    assert scores["members"] == 3
    (by_probability,) = EnsembleOverRuns().scores(runs, Options(ensemble_of="probabilities"))
    mean = np.mean([softmax(m) for m in members], axis=0)
    assert by_probability["ood"] == slow_accuracy(mean, table, 1, "all")


def test_ensembles_of_different_evaluations_are_refused() -> None:
    run = make_run()
    table = run.table
    for other in (
        replace(table, test_domains=(2,)),
        replace(table, label=table.label[::-1].copy()),
        replace(table, held_out=~table.held_out),
        replace(table, paths=table.paths[::-1]),
    ):
        with pytest.raises(DataError, match="different images"):
            check_same_tables([run, replace(run, table=other)])


def test_runs_whose_data_was_moved_are_of_the_same_images() -> None:
    run = make_run()
    inside = tuple(Path("/somewhere/a/x") / path for path in run.table.paths)
    moved = tuple(Path("/elsewhere/a/x") / path for path in run.table.paths)
    first: Run = replace(run, table=replace(run.table, paths=inside))
    check_same_tables([first, replace(run, table=replace(run.table, paths=moved))])


def test_weight_average_is_the_mean() -> None:
    members = [{"w": torch.randn(3, 2), "n": torch.tensor(i)} for i in range(5)]
    average = average_weights(members)
    for i in range(3):
        for j in range(2):
            mean = sum(float(m["w"][i, j]) for m in members) / 5
            assert float(average["w"][i, j]) == pytest.approx(mean, abs=1e-6)
    assert int(average["n"]) == 0
    assert average["w"].dtype == torch.float32


def test_weight_average_of_equal_halves_is_exact() -> None:
    weights = {"w": torch.randn(100).half()}
    assert torch.equal(average_weights([weights] * 3)["w"], weights["w"])


def test_weight_average_refusals() -> None:
    with pytest.raises(ConfigError, match="at least two"):
        average_weights([{"w": torch.zeros(1)}])
    with pytest.raises(CheckpointError, match="another architecture"):
        average_weights([{"w": torch.zeros(1)}, {"w": torch.zeros(2)}])


def test_store_round_trip(tmp_path: Path) -> None:
    table = make_table()
    write_table(tmp_path / "table.json", table)
    again = read_table(tmp_path / "table.json")
    for name in ("domain", "held_out", "label"):
        assert np.array_equal(getattr(again, name), getattr(table, name))
    assert again.paths == table.paths
    assert again.test_domains == table.test_domains
    logits = torch.randn(5, 3)
    write_logits(tmp_path / "logits", 300, {"current": logits})
    write_logits(tmp_path / "logits", 20, {"current": logits + 1})
    assert logits_steps(tmp_path / "logits") == [20, 300]
    found = read_logits(tmp_path / "logits", 300)
    assert np.array_equal(found["current"], logits.numpy())


def test_damaged_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_text("{}")
    with pytest.raises(DataError, match=r"table\.json is not an evaluation table"):
        read_table(tmp_path / "table.json")
    (tmp_path / "step-0000001.safetensors").write_bytes(b"cut")
    with pytest.raises(DataError, match="damaged"):
        read_logits(tmp_path, 1)


def test_an_own_method_may_stand_beside_ours_but_not_take_a_name() -> None:
    """A method added here later once ended the reports of a user's own of the same order."""
    ours = all_methods()
    taken = ours["ensemble over runs"]
    body = {
        "name": "aaa", "description": "d", "marker": taken.marker, "order": taken.order,
        "over": "runs", "scores": lambda *_: [],
    }  # fmt: skip
    try:
        method(type("Own", (Method,), body))
        names = list(all_methods())
        assert names.index("aaa") == names.index("ensemble over runs") - 1
        with pytest.raises(ValueError, match="both named 'ensemble over runs'"):
            method(type("Other", (Method,), {**body, "name": taken.name}))
    finally:
        REGISTERED.pop("aaa", None)
    assert list(all_methods()) == list(ours)


def test_every_method_is_registered_in_the_tables_order() -> None:
    found = all_methods()
    assert list(found) == [
        "run", "zero-shot CLIP", "MC dropout", "WiSE-FT 0.5", "WiSE-FT", "trajectory ensemble",
        "trajectory average", "EMA", "SWA", "SWAD", "ensemble over runs", "EoA",
        "average over runs", "greedy soup", "DiWA, restricted", "learned soup", "Model Stock",
        "concatenation",
    ]  # fmt: skip
    # What evaluates a network again is kept beside the runs; scores of logits are not worth it.
    again = {"run", "trajectory ensemble", "trajectory average", "EMA", "ensemble over runs", "EoA"}
    assert {name for name, one in found.items() if not one.kept} == again
    assert all(one.order % 5 == 0 for one in found.values())  # room between them
