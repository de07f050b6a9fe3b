"""Our runs as DomainBed's records: what its table tool needs is there, and the figures survive."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_ft.domainbed.records import read_sweep
from dropout_ft.domainbed.tables import make_table
from dropout_ft.domainbed.write import algorithm_name, export_runs
from dropout_ft.methods.trajectory_ensemble import trajectory_ensemble
from exports_support import STEPS, finished_run
from holdfast.errors import DataError
from holdfast.seeding import seed_hash
from tables_support import make_coordinates

# What `collect_results` reads, and what its records have besides.
NEEDED = {"dataset", "algorithm", "test_envs", "trial_seed", "hparams_seed"}
ALL_ARGS = NEEDED | {
    "checkpoint_freq", "data_dir", "holdout_fraction", "hparams", "output_dir",
    "save_model_every_checkpoint", "seed", "skip_model_save", "steps", "task",
    "uda_holdout_fraction",
}  # fmt: skip


def read_lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "results.jsonl").read_text()
    assert text.endswith("\n")  # DomainBed's reader drops the last character of each line
    return [json.loads(line) for line in text.splitlines()]


def test_every_record_has_domainbeds_keys(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs")
    folders = export_runs([run], tmp_path / "out", "PACS")
    assert [folder.name.removeprefix(run.directory.path.name) for folder in folders] == [
        "", "-average", "-ensemble",
    ]  # fmt: skip
    for folder in folders:
        assert (folder / "done").read_text() == "done"
        rows = read_lines(folder)
        assert [row["step"] for row in rows] == list(STEPS)
        for row in rows:
            assert set(row["args"]) == ALL_ARGS
            assert row["args"]["test_envs"] == [1]
            assert row["args"]["steps"] == 900
            assert row["hparams"]["lr"] == 1e-3
            assert {"env0_out_acc", "env1_in_acc", "env1_out_acc", "env2_out_acc"} <= set(row)


def test_lines_are_sorted_json(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs")
    (folder, *_) = export_runs([run], tmp_path / "out", "PACS")
    for line in (folder / "results.jsonl").read_text().splitlines():
        assert line == json.dumps(json.loads(line), sort_keys=True)


def test_the_seed_is_domainbeds_hash_of_what_is_labelled(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs", seed=7)
    (folder, *_) = export_runs([run], tmp_path / "out", "PACS")
    args = read_lines(folder)[0]["args"]
    assert args["seed"] == seed_hash("PACS", "ERM", [1], 1, 0)
    assert (args["hparams_seed"], args["trial_seed"]) == (1, 0)
    assert read_lines(folder)[0]["hparams"]["seed"] == 7


def test_points_and_repeats_get_their_own_seeds(tmp_path: Path) -> None:
    """Official runs leave both at 0, and DomainBed's tools would merge them."""
    runs = [
        finished_run(tmp_path / "runs", seed=seed, lr=lr, test=test, average=False)
        for seed in (3, 5)
        for lr in (1e-3, 5e-4)
        for test in (0, 1)
    ]
    export_runs(runs, tmp_path / "out", "VLCS")
    records = [r for r in read_sweep(tmp_path / "out") if r.algorithm == "ERM"]
    labels = {(r.trial_seed, r.hparams_seed, r.test_envs) for r in records}
    assert labels == {(t, h, (e,)) for t in (0, 1) for h in (1, 2) for e in (0, 1)}
    by_lr = {(r.hparams["lr"], r.hparams_seed) for r in records}
    assert len(by_lr) == 2


def test_rates_are_algorithms_of_their_own(tmp_path: Path) -> None:
    runs = [
        finished_run(tmp_path / "runs", dropout_rate=dropout_rate, average=False)
        for dropout_rate in (0.0, 0.9, 0.95)
    ]
    export_runs(runs, tmp_path / "out", "PACS")
    names = {record.algorithm for record in read_sweep(tmp_path / "out")}
    bases = {"ERM", "ERM-drop0.9", "ERM-drop0.95"}
    assert names == bases | {f"{base}-ensemble" for base in bases}


@pytest.mark.parametrize(
    ("dropout_rate", "objective", "name"),
    [
        (0, "ERM", "ERM"),
        (0.9, "ERM", "ERM-drop0.9"),
        (0.0, "CORAL", "CORAL"),
        (0.95, "Mixup", "Mixup-drop0.95"),
    ],
)
def test_names(dropout_rate: float, objective: str, name: str) -> None:
    where = make_coordinates(dropout_rate=dropout_rate, objective=objective)
    assert algorithm_name(where) == name


def test_unlike_networks_are_no_hyper_parameters(tmp_path: Path) -> None:
    """Runs of two backbones were both "ERM", and the selection chose between them."""
    runs = [finished_run(tmp_path / "runs", seed=seed) for seed in (0, 1)]
    other = replace(runs[1], coordinates=replace(runs[1].coordinates, backbone="other"))
    with pytest.raises(DataError, match="ERM differ in backbone"):
        export_runs([runs[0], other], tmp_path / "out", "PACS")
    assert not (tmp_path / "out").exists()


def test_the_table_is_what_selecting_by_hand_gives(tmp_path: Path) -> None:
    runs = [
        finished_run(tmp_path / "runs", seed=seed, lr=lr) for seed in (0, 1) for lr in (1e-3, 5e-4)
    ]
    export_runs(runs, tmp_path / "out", "own")
    table = make_table(read_sweep(tmp_path / "out"), "own", "iid")
    row = table.cells[table.algorithms.index("ERM")]
    chosen = []
    for seed in (0, 1):
        scores = [r["current"] for run in runs if run.coordinates.seed == seed for r in run.rows]
        best = max(scores, key=lambda found: found["iid"])
        chosen.append(100 * best["env1_in_acc"])
    assert row[1].mean == pytest.approx(np.mean(chosen))
    assert row[1].count == 2
    assert row[0].text == "X"  # only domain 1 was left out


def test_the_ensembles_rows_are_those_of_the_running_sum(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs", average=False)
    folders = export_runs([run], tmp_path / "out", "PACS")
    expected = trajectory_ensemble({s: f["current"] for s, f in run.logits.items()}, run.table)
    for row, wanted in zip(read_lines(folders[-1]), expected, strict=True):
        assert row["env1_in_acc"] == wanted["env1_in_acc"]
        assert row["env0_out_acc"] == wanted["env0_out_acc"]


def test_exporting_again_gives_the_same_files(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "runs")
    folders = export_runs([run], tmp_path / "out", "PACS")
    before = [(folder / "results.jsonl").read_bytes() for folder in folders]
    export_runs([run], tmp_path / "out", "PACS")
    assert [(folder / "results.jsonl").read_bytes() for folder in folders] == before
