"""Test domains evaluated at new bests only: less work, the same selection to the last digit."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from dropout_ft.app import APP
from dropout_ft.domainbed.write import export_runs
from dropout_ft.report.results import collect
from dropout_ft.results.run import Run, load_run
from dropout_ft.results.scores import left_out, score
from dropout_ft.results.selection import select_iid
from dropout_ft.training.deferral import TestDomainsWhenBest
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import ConfigError, DataError
from tables_support import make_logits, make_table

STEPS = 8
DEFER = ["--config", "configs/methods/test_domains_when_best.yaml"]


def fit(pictures: Path, root: Path, *more: str) -> Run:
    words = [
        "fit", "--config", "configs/dropout_ft/tiny.yaml", "--data.source", str(pictures),
        "--run.root", str(root), "--trainer.max_steps", str(STEPS), "--model.dropout_rate", "0.5",
        "--model.optimizer.init_args.lr", "0.05", *more,
    ]  # fmt: skip
    assert APP.main(words) == 0
    return load_run(max(root.iterdir(), key=lambda path: path.stat().st_mtime))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> tuple[Run, Run]:
    """The same run, evaluated always and where selected."""
    roots = [tmp_path_factory.mktemp(name) for name in ("always", "deferred")]
    return fit(pictures, roots[0]), fit(pictures, roots[1], *DEFER)


def rows_of(run: Run) -> list[dict[str, float]]:
    return [{"step": row["step"], **row["current"]} for row in run.rows]


def best_so_far(rows: list[dict[str, float]]) -> list[bool]:
    """The slow reference: a step is a new best if every earlier one is worse."""
    return [
        all(row["iid"] > other["iid"] for other in rows[:n]) or n == len(rows) - 1
        for n, row in enumerate(rows)
    ]


def test_training_and_iid_accuracy_are_those_of_full_evaluations(both: tuple[Run, Run]) -> None:
    always, deferred = both
    assert [row["iid"] for row in rows_of(always)] == [row["iid"] for row in rows_of(deferred)]
    first, second = (
        read_checkpoint(run.directory.last)["state_dict"] for run in (always, deferred)
    )
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_test_domains_are_evaluated_at_new_bests_and_at_the_end_only(
    both: tuple[Run, Run],
) -> None:
    always, deferred = both
    wanted = best_so_far(rows_of(always))
    assert False in wanted, "the run improves at every step: the test would show nothing"
    assert ["ood" in row for row in rows_of(deferred)] == wanted
    tests = np.isin(always.table.domain, always.table.test_domains)
    for row, full, evaluated in zip(deferred.rows, always.rows, wanted, strict=True):
        assert full["seen"] == len(always.table)
        assert row["seen"] == len(always.table) - (0 if evaluated else tests.sum())
        if evaluated:
            assert row["current"] == full["current"]


def test_selection_and_report_are_the_same(both: tuple[Run, Run]) -> None:
    assert select_iid(rows_of(both[0])) == select_iid(rows_of(both[1]))
    results = [{r.method: r for r in collect([run]).results} for run in both]
    assert results[0]["run"].ood == results[1]["run"].ood
    # The ensemble along the run needs every step, so no number is given for it.
    assert "trajectory ensemble" in results[0]
    assert "trajectory ensemble" not in results[1]


def test_domainbed_gets_records_with_test_accuracies_only(
    both: tuple[Run, Run], tmp_path: Path
) -> None:
    folders = export_runs([both[1]], tmp_path, "Folders")
    assert [path.name.endswith("ensemble") for path in folders] == [False]
    lines = [json.loads(line) for line in (folders[0] / "results.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [r["step"] for r in rows_of(both[1]) if "ood" in r]
    assert all("env0_in_acc" in line for line in lines)


@pytest.mark.slow
def test_a_resumed_run_defers_as_an_undisturbed_one(
    both: tuple[Run, Run], pictures: Path, tmp_path: Path
) -> None:
    fit(pictures, tmp_path, *DEFER, "--trainer.max_steps", "3")
    short = next(path for path in tmp_path.iterdir())
    state = read_checkpoint(short / "checkpoints/last.ckpt")["callbacks"]
    kept = next(value for key, value in state.items() if key.startswith("TestDomainsWhenBest"))
    best = max(row["iid"] for row in rows_of(both[1])[:3])
    assert kept == {"best": {"current": best}}
    again = TestDomainsWhenBest()
    again.load_state_dict(kept)
    assert again.best == {"current": best}


def trainer(step: int, *, last: int = 100, fn: str = "fit", callbacks: Any = ()) -> Any:
    return SimpleNamespace(
        global_step=step,
        max_steps=last,
        state=SimpleNamespace(fn=fn),
        callbacks=list(callbacks),
        should_stop=False,
        datamodule=SimpleNamespace(),
    )


def test_any_set_of_weights_may_be_the_new_best() -> None:
    rule = TestDomainsWhenBest()
    assert rule.wanted(trainer(10), {"current": 0.5, "average": 0.5})
    assert not rule.wanted(trainer(20), {"current": 0.5, "average": 0.4})
    assert rule.wanted(trainer(30), {"current": 0.4, "average": 0.6})
    assert not rule.wanted(trainer(40), {"current": 0.5, "average": 0.6})
    assert rule.wanted(trainer(100), {"current": 0.1, "average": 0.1})


def test_runs_without_a_last_step_are_evaluated_at_bests_only() -> None:
    rule = TestDomainsWhenBest()
    assert rule.wanted(trainer(5, last=-1), {"current": 0.2})
    assert not rule.wanted(trainer(6, last=-1), {"current": 0.2})


def test_only_fit_defers() -> None:
    rule = TestDomainsWhenBest()
    rule.setup(trainer(1), None, "validate")  # type: ignore[arg-type]  (asks nothing of the data)
    with pytest.raises(ConfigError, match=r"dropout_ft\.data"):
        rule.setup(trainer(1), None, "fit")  # type: ignore[arg-type]


def test_scores_leave_out_what_was_not_evaluated() -> None:
    table = make_table()
    logits = make_logits(table, 0)
    full = score(logits, table)
    tests = np.isin(table.domain, table.test_domains)
    partial = logits.copy()
    partial[tests] = np.nan
    assert (left_out(partial, table) == tests).all()
    found = score(partial, table)
    assert found["iid"] == full["iid"]
    assert not [key for key in found if key.startswith("ood")]
    assert {key: full[key] for key in found} == found
    assert len(found) < len(full)


@pytest.mark.parametrize("rows", ["all", "one of the i.i.d.", "one class of a test image"])
def test_what_is_not_finite_is_never_scored(rows: str) -> None:
    """Logits of nan were scored as the first class: 12.5 % or 33.3 %, and "finished"."""
    table = make_table()
    logits = make_logits(table, 0)
    tests = np.flatnonzero(table.of_test)
    if rows == "all":
        logits[:] = np.nan
    elif rows == "one of the i.i.d.":
        logits[np.flatnonzero(~table.of_test)[0]] = np.nan
    else:
        logits[tests[0], 1] = np.inf
    with pytest.raises(DataError, match="not finite"):
        score(logits, table)


def test_a_schedule_that_does_not_divide_is_reported(pictures: Path, tmp_path: Path) -> None:
    """9 steps with an interval of 2 ended without the test domains: KeyError 'ood' in report."""
    for seed in ("0", "1"):
        more = ["--trainer.max_steps", "9", "--trainer.val_check_interval", "2"]
        fit(pictures, tmp_path / "runs", *DEFER, *more, "--seed_everything", seed)
    assert APP.main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out/tidy.csv").read_text()
    assert ",test_out,9," in text
