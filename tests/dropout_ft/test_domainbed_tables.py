"""DomainBed's own sweep gives DomainBed's own tables; the rules against a slow reading of them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_ft.app import APP
from dropout_ft.commands.domainbed import render
from dropout_ft.data.known import KNOWN, domain_labels
from dropout_ft.domainbed.records import Record, read_sweep
from dropout_ft.domainbed.selection import (
    RULES,
    last_step,
    leave_one_domain_out,
    oracle,
    training_domain,
)
from dropout_ft.domainbed.tables import cell_of, make_table, make_tables, table_latex
from holdfast.errors import DataError
from tests_support import shared_file, unpack

GOLDEN = {
    "iid": ["98.0 +/- 0.2", "64.2 +/- 0.8", "74.1 +/- 0.4", "77.1 +/- 0.2", "78.3"],
    "leave-one-domain-out": [
        "96.9 +/- 1.0", "64.4 +/- 0.9", "70.5 +/- 0.5", "76.7 +/- 0.1", "77.1",
    ],
    "oracle": ["96.9 +/- 1.0", "65.9 +/- 0.5", "71.6 +/- 1.3", "76.9 +/- 0.3", "77.8"],
}  # fmt: skip


@pytest.fixture(scope="module")
def fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = shared_file("domainbed_sweep_fixture.tar.xz")
    place = tmp_path_factory.mktemp("domainbed")
    return unpack(archive, place) / "domainbed_sweep_fixture"


def record(
    *, test_envs: tuple[int, ...] = (0,), step: int = 0, hparams: int = 0, trial: int = 0,
    dataset: str = "PACS", algorithm: str = "ERM", **accuracies: float,
) -> Record:  # fmt: skip
    return Record(
        dataset=dataset, algorithm=algorithm, test_envs=test_envs, trial_seed=trial,
        hparams_seed=hparams, step=step, accuracies=accuracies, hparams={},
    )  # fmt: skip


@pytest.mark.parametrize("rule", GOLDEN)
def test_the_published_sweep_gives_the_published_cells(fixture: Path, rule: str) -> None:
    table = make_table(read_sweep(fixture), "VLCS", rule)
    assert table.algorithms == ("ERM",)
    assert table.columns == ("C", "L", "S", "V")
    assert [*(cell.text for cell in table.cells[0]), f"{table.averages[0]:.1f}"] == GOLDEN[rule]


def test_the_whole_text_is_domainbeds(fixture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert APP.main(["domainbed-tables", str(fixture)]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    expected = (fixture / "results.txt").read_text().splitlines()
    assert printed == [line.split() for line in expected if line.strip()]


def test_one_run_alone_is_read_too(fixture: Path) -> None:
    run = sorted(path for path in fixture.iterdir() if path.is_dir())[0]
    records = read_sweep(run)
    assert {len(records), len({r.step for r in records})} == {5}
    assert records[0].envs == 4


def slow_iid(records: list[Record], test: int) -> float | None:
    """DomainBed's rule read word by word: every record a candidate, best run, best step."""
    best: tuple[float, float] | None = None
    for seed in dict.fromkeys(r.hparams_seed for r in records):
        of_run: tuple[float, float] | None = None
        for one in records:
            if one.hparams_seed != seed or one.test_envs != (test,):
                continue
            others = [one.accuracies[f"env{e}_out_acc"] for e in range(one.envs) if e != test]
            candidate = (sum(others) / len(others), one.accuracies[f"env{test}_in_acc"])
            if of_run is None or candidate[0] > of_run[0] + 1e-15:
                of_run = candidate
        if of_run is not None and (best is None or of_run[0] >= best[0] - 1e-15):
            best = of_run
    return None if best is None else best[1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_training_domain_rule_on_random_sweeps(seed: int) -> None:
    generator = np.random.default_rng(seed)
    records = []
    for hparams in range(3):
        for step in (0, 300, 600):
            grid = {
                f"env{env}_{part}_acc": float(generator.integers(0, 5)) / 4
                for env in range(3)
                for part in ("in", "out")
            }
            records.append(record(step=step, hparams=hparams, **grid))
    chosen = training_domain(records, 0)
    assert chosen is not None
    assert chosen.test == slow_iid(records, 0)


def test_ties_go_to_the_first_step_and_the_highest_hyperparameter_seed() -> None:
    """DomainBed sorts by accuracy, stably, and reverses; the first run used to win here."""
    accuracies = {"env0_in_acc": 0.1, "env0_out_acc": 0.9, "env1_out_acc": 0.5}
    records = [
        record(step=step, hparams=hparams, **{**accuracies, "env0_in_acc": value})
        for hparams, step, value in ((0, 0, 0.1), (0, 300, 0.2), (1, 0, 0.3))
    ]
    chosen = training_domain(records, 0)
    assert chosen is not None
    assert (chosen.test, chosen.step, chosen.hparams_seed) == (0.3, 0, 1)


def test_the_oracle_never_stops_early_and_the_last_rule_never_looks_at_the_test() -> None:
    records = [
        record(step=step, hparams=hparams, env0_in_acc=test, env0_out_acc=held, env1_out_acc=val)
        for hparams, step, test, held, val in (
            (0, 0, 0.9, 0.99, 0.9), (0, 300, 0.5, 0.5, 0.6), (1, 300, 0.4, 0.6, 0.5),
        )
    ]  # fmt: skip
    chosen, last = oracle(records, 0), last_step(records, 0)
    assert chosen is not None
    assert last is not None
    assert (chosen.test, chosen.hparams_seed) == (0.4, 1)
    assert (last.test, last.step, last.hparams_seed) == (0.5, 300, 0)


def test_leaving_a_second_domain_out_needs_every_pair() -> None:
    def pair(other: int, value: float, step: int = 0) -> Record:
        accuracies = {f"env{e}_out_acc": 0.5 for e in range(3)} | {f"env{other}_in_acc": value}
        return record(test_envs=(0, other), step=step, **accuracies)

    single = [
        record(step=step, env0_in_acc=test, env0_out_acc=0, env1_out_acc=0, env2_out_acc=0)
        for step, test in ((0, 0.7), (300, 0.8))
    ]
    assert leave_one_domain_out([*single, pair(1, 0.4)], 0) is None
    both = [*single, pair(1, 0.4), pair(2, 0.6), pair(1, 0.5, 300), pair(2, 0.4, 300)]
    chosen = leave_one_domain_out(both, 0)
    assert chosen is not None
    assert (chosen.validation, chosen.test, chosen.step) == (0.5, 0.7, 0)


def test_what_was_not_evaluated_is_not_a_number() -> None:
    one = record(env0_in_acc=-1, env0_out_acc=0.5)
    assert np.isnan(one.accuracy(0, "in"))
    assert np.isnan(one.accuracy(3, "out"))
    assert one.accuracy(0, "out") == 0.5


def test_cells_use_the_population_deviation() -> None:
    cell = cell_of([0.5, 0.6, 0.7], "iid")
    assert cell.mean == pytest.approx(60)
    assert cell.error == pytest.approx(np.std([50, 60, 70]) / np.sqrt(3))
    assert "3 trial(s), selected by iid" in cell.note
    assert cell_of([], "iid").text == "X"


def test_a_missing_domain_is_an_x_everywhere() -> None:
    accuracies = {f"env{e}_{p}_acc": 0.5 for e in range(4) for p in ("in", "out")}
    records = [record(test_envs=(env,), **accuracies) for env in range(3)]
    text = render(make_tables(records, ["iid"]), "text", total=3)
    assert text.count("X") == 2
    assert "50.0 +/- 0.0" in text


def test_latex_and_csv_hold_every_cell() -> None:
    accuracies = {f"env{e}_{p}_acc": 0.5 for e in range(2) for p in ("in", "out")}
    records = [
        record(dataset="own_set", algorithm="ERM_x", test_envs=(env,), trial=trial, **accuracies)
        for env in range(2)
        for trial in range(2)
    ]
    table = make_table(records, "own_set", "iid")
    latex = table_latex(table)
    assert r"ERM\_x & 50.0 ± 0.0 & 50.0 ± 0.0 & 50.0 \\" in latex
    assert "2 trial(s), selected by iid" in latex
    rows = list(csv.DictReader(io.StringIO(render([table], "csv", total=4))))
    assert [row["test_domain"] for row in rows] == ["0", "1"]
    assert {float(row["mean"]) for row in rows} == {50.0}
    assert {row["trials"] for row in rows} == {"2"}


def test_damaged_sweeps_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no records"):
        read_sweep(tmp_path)
    run = tmp_path / "run"
    run.mkdir()
    for text in (
        "{",
        "[]",
        '{"args": {}}',
        '{"args": null, "step": 1}',
    ):
        (run / "results.jsonl").write_text(text + "\n")
        with pytest.raises(DataError, match=r"results\.jsonl"):
            read_sweep(tmp_path)
    (run / "results.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_sweep(tmp_path)


def test_the_command_refuses_a_rule_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert APP.main(["domainbed-tables", str(tmp_path), "--rules", "best"]) != 0
    assert "best" in capsys.readouterr().err


def test_known_sets_are_in_sorted_order_and_add_up() -> None:
    for known in KNOWN.values():
        assert list(known.domains) == sorted(known.domains)
        assert len(known.labels) == len(known.domains)
        for place, total in enumerate(known.totals):
            assert sum(counts[place] for counts in known.counts.values()) == total
    assert domain_labels("TerraIncognita", 4) == ("L100", "L38", "L43", "L46")
    assert domain_labels("unheard of", 2) == ("0", "1")
    assert set(RULES) >= set(GOLDEN)


def test_records_without_hparams(tmp_path: Path) -> None:
    args: dict[str, Any] = {
        "dataset": "PACS", "algorithm": "ERM", "test_envs": [1], "trial_seed": 0, "hparams_seed": 2,
    }  # fmt: skip
    (tmp_path / "r").mkdir()
    row = {"args": args, "step": 300, "env0_out_acc": 0.25, "loss": 1.0}
    (tmp_path / "r/results.jsonl").write_text(json.dumps(row) + "\n")
    (only,) = read_sweep(tmp_path)
    assert only.accuracies == {"env0_out_acc": 0.25}
    assert (only.test_envs, only.hparams_seed, only.hparams) == ((1,), 2, {})
