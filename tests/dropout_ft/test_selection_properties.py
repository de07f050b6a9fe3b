"""Selection rules on random sweeps: slow readings, invariances, and tables of several data sets."""

import contextlib
import csv
import io
import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropout_ft.commands.domainbed import render
from dropout_ft.domainbed.records import Record, read_sweep
from dropout_ft.domainbed.selection import (
    RULES,
    last_step,
    leave_one_domain_out,
    oracle,
    training_domain,
)
from dropout_ft.domainbed.tables import averages_text, make_table, make_tables
from dropout_ft.results.selection import select_iid, select_last
from holdfast.errors import DataError

ENVS = 3
STEPS = (0, 300, 600)
seeds = st.integers(0, 2**32 - 1)


def random_sweep(
    seed: int,
    *,
    pairs: bool = True,
    trials: int = 1,
    points: int = 2,
    dataset: str = "PACS",
    algorithm: str = "ERM",
) -> list[Record]:
    """Every domain (and pair) left out; accuracies on a coarse grid, so that there are ties."""
    generator = np.random.default_rng(seed)
    left_out = [(env,) for env in range(ENVS)]
    left_out += list(combinations(range(ENVS), 2)) if pairs else []  # type: ignore[arg-type]
    records = []
    for trial in range(trials):
        for point in range(points):
            for tests in left_out:
                for step in STEPS:
                    accuracies = {
                        f"env{env}_{part}_acc": float(generator.integers(0, 6)) / 5
                        for env in range(ENVS)
                        for part in ("in", "out")
                    }
                    records.append(
                        Record(
                            dataset=dataset, algorithm=algorithm, test_envs=tests,
                            trial_seed=trial, hparams_seed=point, step=step,
                            accuracies=accuracies, hparams={},
                        )
                    )  # fmt: skip
    return records


def about(records: Sequence[Record], test: int) -> list[Record]:
    return [record for record in records if test in record.test_envs]


def slow_leave_one_out(records: Sequence[Record], test: int) -> float:
    """For each point and step look every number up by its full key; keep the first best."""
    table = {(r.hparams_seed, r.step, frozenset(r.test_envs)): r for r in records}
    best_value, best_test = -1.0, float("nan")
    for point in dict.fromkeys(r.hparams_seed for r in records):
        run_value, run_test = -1.0, float("nan")
        for step in STEPS:
            others = [env for env in range(ENVS) if env != test]
            values = [
                table[point, step, frozenset((test, other))].accuracies[f"env{other}_in_acc"]
                for other in others
            ]
            value = float(np.mean(values))  # as DomainBed: ties are decided by its rounding
            if value > run_value:
                run_value = value
                run_test = table[point, step, frozenset((test,))].accuracies[f"env{test}_in_acc"]
        if run_value >= best_value:  # DomainBed's order: the highest seed of equals
            best_value, best_test = run_value, run_test
    return best_test


def slow_oracle(records: Sequence[Record], test: int) -> float:
    best_value, best_test = -1.0, float("nan")
    for point in sorted({r.hparams_seed for r in records}):
        for record in records:
            last = record.step == STEPS[-1] and record.test_envs == (test,)
            if record.hparams_seed == point and last:
                value = record.accuracies[f"env{test}_out_acc"]
                if value >= best_value:
                    best_value = value
                    best_test = record.accuracies[f"env{test}_in_acc"]
    return best_test


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, ENVS - 1))
def test_leave_one_domain_out(seed: int, test: int) -> None:
    records = about(random_sweep(seed), test)
    chosen = leave_one_domain_out(records, test)
    assert chosen is not None
    assert chosen.test == slow_leave_one_out(records, test)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, ENVS - 1))
def test_oracle(seed: int, test: int) -> None:
    records = about(random_sweep(seed), test)
    chosen = oracle(records, test)
    assert chosen is not None
    assert chosen.test == slow_oracle(records, test)
    assert chosen.step == STEPS[-1]


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, ENVS - 1), st.floats(0, 1))
def test_only_the_oracle_looks_at_the_test_domain(seed: int, test: int, value: float) -> None:
    """Changing what a run scores on the test domain must not change what is chosen."""
    records = about(random_sweep(seed), test)
    changed = [
        Record(
            dataset=r.dataset, algorithm=r.algorithm, test_envs=r.test_envs,
            trial_seed=r.trial_seed, hparams_seed=r.hparams_seed, step=r.step, hparams={},
            accuracies={k: value if k.startswith(f"env{test}_") else v
                        for k, v in r.accuracies.items()},
        )
        for r in records
    ]  # fmt: skip
    for rule in (training_domain, leave_one_domain_out, last_step):
        before, after = rule(records, test), rule(changed, test)
        assert before is not None
        assert after is not None
        assert (before.step, before.hparams_seed) == (after.step, after.hparams_seed)
        assert before.validation == after.validation
        assert after.test == value


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(0, ENVS - 1))
def test_a_better_validation_is_never_passed_over(seed: int, test: int) -> None:
    records = about(random_sweep(seed, pairs=False), test)
    chosen = training_domain(records, test)
    assert chosen is not None
    for record in records:
        others = [record.accuracy(env, "out") for env in range(ENVS) if env != test]
        assert chosen.validation >= np.mean(others) - 1e-12


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_our_own_rows_are_selected_alike(seed: int) -> None:
    """`select_iid` on the rows of one of our runs is DomainBed's rule on a sweep of one run."""
    records = about(random_sweep(seed, pairs=False, points=1), 0)
    rows = [
        {
            "step": float(r.step),
            "iid": float(np.mean([r.accuracy(env, "out") for env in (1, 2)])),
            "ood_in": r.accuracy(0, "in"),
        }
        for r in records
    ]
    chosen = training_domain(records, 0)
    assert chosen is not None
    assert select_iid(rows)["ood_in"] == chosen.test
    last = last_step(records, 0)
    assert last is not None
    assert select_last(rows)["ood_in"] == last.test


@pytest.mark.parametrize("name", RULES)
def test_nothing_to_choose_from(name: str) -> None:
    assert RULES[name][1]([], 0) is None


def test_trials_are_chosen_apart_and_averaged() -> None:
    records = random_sweep(3, trials=4)
    table = make_table(records, "PACS", "iid")
    for env in range(ENVS):
        chosen = []
        for trial in range(4):
            own = [r for r in about(records, env) if r.trial_seed == trial]
            choice = training_domain(own, env)
            assert choice is not None
            chosen.append(choice.test)
        cell = table.cells[0][env]
        assert cell.mean == pytest.approx(100 * np.mean(chosen))
        assert cell.error == pytest.approx(100 * np.std(chosen) / 2)
        assert cell.count == 4
    assert table.averages[0] == pytest.approx(np.mean([c.mean for c in table.cells[0]]))


def test_the_averages_are_over_trials_of_the_mean_over_domains() -> None:
    records = random_sweep(4, trials=3)
    table = make_table(records, "PACS", "oracle")
    means = []
    for trial in range(3):
        found = []
        for env in range(ENVS):
            choice = oracle([r for r in about(records, env) if r.trial_seed == trial], env)
            assert choice is not None
            found.append(choice.test)
        means.append(100 * np.mean(found))
    assert table.over_trials[0].mean == pytest.approx(np.mean(means))
    assert table.over_trials[0].error == pytest.approx(np.std(means) / np.sqrt(3))


def test_several_data_sets_and_algorithms() -> None:
    records = [
        *random_sweep(0, dataset="PACS"),
        *random_sweep(1, dataset="VLCS"),
        *random_sweep(2, dataset="VLCS", algorithm="CORAL"),
    ]
    tables = make_tables(records, ["iid", "oracle"])
    # DomainBed's order: VLCS before PACS, and every algorithm in every table.
    assert [(t.rule, t.dataset) for t in tables] == [
        ("iid", "VLCS"), ("iid", "PACS"), ("oracle", "VLCS"), ("oracle", "PACS"),
    ]  # fmt: skip
    assert {t.algorithms for t in tables} == {("ERM", "CORAL")}
    text = averages_text(tables[:2]).splitlines()
    assert text[2].split() == ["Algorithm", "VLCS", "PACS", "Avg"]
    assert text[2] == f"{'Algorithm':<25}  {'VLCS':<25}  {'PACS':<25}  {'Avg':<25} "
    coral = next(line for line in text if line.startswith("CORAL")).split()
    assert coral[4] == "X"  # CORAL never ran on PACS
    assert coral[-1] == "X"
    rows = list(csv.DictReader(io.StringIO(render(tables, "csv", total=len(records)))))
    assert len(rows) == 2 * 2 * 2 * ENVS
    latex = render(tables, "latex", total=len(records))
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 4


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["args", "step", "dataset", "env0_out_acc"]), inner)
    ),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(json_values | st.binary(max_size=40))
def test_whatever_stands_in_a_results_file_is_read_or_told(tmp_path: Path, content: object) -> None:
    run = tmp_path / "run"
    run.mkdir(exist_ok=True)
    if isinstance(content, bytes):
        (run / "results.jsonl").write_bytes(content)
    else:
        (run / "results.jsonl").write_text(json.dumps(content) + "\n")
    records: list[Record] = []
    with contextlib.suppress(DataError):  # a sentence; anything else fails here
        records = read_sweep(tmp_path)
    assert all(isinstance(record, Record) for record in records)
