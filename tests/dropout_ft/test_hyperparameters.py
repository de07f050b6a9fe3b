"""Which runs are repeats of each other, and what sets them apart."""

import copy
from typing import Any

import pytest

from dropout_ft.report.collect import Result, Run, groups_over_seeds
from dropout_ft.report.comparison_figures import cost_panels
from dropout_ft.report.figures import colour_of, scatter
from dropout_ft.report.names import MARKERS, METHOD_ORDER, METHODS, method_name
from dropout_ft.report.table import make_rows, text_cells
from dropout_ft.results.hyperparameters import hyperparameters, variant_of
from holdfast.runs.directory import RunDirectory
from tables_support import make_table

BASE: dict[str, Any] = {
    "seed_everything": 0,
    "run": {"root": "runs", "name": "x"},
    "model": {
        "backbone": {
            "class_path": "dropout_ft.nn.backbones.TimmBackbone",
            "init_args": {"name": "r"},
        },
        "dropout_rate": 0.9,
        "head_lr_factor": 1.0,
        "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.001}},
    },
    "data": {
        "class_path": "dropout_ft.data.DomainFolders",
        "init_args": {"root": "a", "test_domains": [0], "batch_size": 32, "num_workers": 0},
    },
    "trainer": {"max_steps": 100, "accelerator": "cpu", "callbacks": None},
}


def changed(path: str, value: object) -> dict[str, Any]:
    config = copy.deepcopy(BASE)
    place = config
    *parents, last = path.split(".")
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed_everything", 5),
        ("run.root", "elsewhere"),
        ("run.name", "other"),
        ("model.dropout_rate", 0.0),
        ("data.init_args.test_domains", [2]),
        ("data.init_args.root", "b"),
        ("data.init_args.trial_seed", 3),
        ("data.init_args.num_workers", 8),
        ("trainer.accelerator", "gpu"),
        ("trainer.logger", True),
    ],
)
def test_what_makes_no_other_point(path: str, value: object) -> None:
    assert hyperparameters(changed(path, value)).key == hyperparameters(BASE).key


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.optimizer.init_args.lr", 0.01),
        ("model.optimizer.init_args.weight_decay", 0.1),
        ("model.optimizer.class_path", "torch.optim.AdamW"),
        ("model.head_lr_factor", 10.0),
        ("model.backbone.init_args.name", "other"),
        ("data.init_args.batch_size", 8),
        ("trainer.max_steps", 200),
    ],
)
def test_what_makes_another_point(path: str, value: object) -> None:
    assert hyperparameters(changed(path, value)).key != hyperparameters(BASE).key


def test_what_is_shown() -> None:
    found = hyperparameters(BASE)
    assert found.shown == {
        "lr": 0.001,
        "weight_decay": 1e-4,
        "dropout_rate": 0.9,
        "head_lr_factor": 1.0,
        "batch_size": 32,
        "seed": 0,
        "split_seed": 0,
    }
    assert (found.objective, found.steps, found.root) == ("ERM", 100, "a")
    assert (found.variant, found.average) == ("", "trajectory average")


@pytest.mark.parametrize(
    ("path", "value", "variant"),
    [
        ("model.objective", {"class_path": "dropout_ft.training.objectives.ERM"}, ""),
        ("model.objective", {"class_path": "dropout_ft.training.objectives.Mixup"}, "Mixup"),
        ("model.head_lr_factor", 10.0, "10x head rate"),
        ("model.lr_scheduler", {"class_path": "torch.optim.lr_scheduler.ConstantLR"},
         "constant rate"),
        ("model.lr_scheduler", {"class_path": "torch.optim.lr_scheduler.MultiStepLR"}, ""),
        ("model.start_from", "x.ckpt", "auxiliary start"),
        ("model.backbone.class_path", "dropout_ft.nn.backbones.LastBlocks", "linear"),
    ],
)  # fmt: skip
def test_variants(path: str, value: object, variant: str) -> None:
    assert variant_of(changed(path, value)) == variant


@pytest.mark.parametrize(
    ("callbacks", "average"),
    [
        (None, "trajectory average"),
        ([{"class_path": "GuardedWeightAveraging"}], "trajectory average"),
        ([{"class_path": "holdfast.training.callbacks.GuardedWeightAveraging",
           "init_args": {"ema_decay": 0.99}}], "EMA"),
        ({"class_path": "x", "init_args": {"ema_decay": 0.9}}, "EMA"),
    ],
)  # fmt: skip
def test_what_the_average_is(callbacks: object, average: str) -> None:
    assert hyperparameters(changed("trainer.callbacks", callbacks)).average == average


def run(seed: int, *, rate: float = 0.9, variant: str = "", point: str = "p", test: int = 1) -> Run:
    table = make_table()
    return Run(
        directory=RunDirectory(path=None), rate=rate, seed=seed, table=table,  # type: ignore[arg-type]
        logits={}, rows=[], seconds=1, variant=variant, point=point,
    )  # fmt: skip


def test_members_of_an_ensemble_share_rate_and_variant_but_not_point() -> None:
    runs = [
        run(0), run(1, point="q"), run(0, variant="CORAL"), run(1, variant="CORAL"),
        run(0, rate=0.0),
    ]  # fmt: skip
    groups = groups_over_seeds(runs)
    assert [len(group) for group in groups] == [2, 2]
    assert {member.variant for member in groups[1]} == {"CORAL"}


def result(method: str, rate: float, ood: float, variant: str = "", seed: int = 0) -> Result:
    return Result(
        method=method, rate=rate, test_name="a", seed=seed, iid=0.9, ood=ood, variant=variant,
        train_seconds=10,
    )  # fmt: skip


def test_variants_are_rows_of_their_own_and_gain_over_plain_erm() -> None:
    results = [
        result("run", 0, 0.5), result("run", 0, 0.6, "CORAL"), result("run", 0.9, 0.7, "CORAL"),
        result("SWAD", 0, 0.55), result("greedy soup", 0.9, 0.8, seed=-1),
    ]  # fmt: skip
    rows = make_rows(results)
    assert [row.name for row in rows] == [
        "ERM", "CORAL", "dropout 0.9, CORAL", "ERM, SWAD", "dropout 0.9, greedy soup",
    ]  # fmt: skip
    assert [round(row.gain, 6) for row in rows] == [0, 10, 20, 5, 30]
    assert text_cells(rows[0])[3] == "-"
    assert text_cells(rows[1])[3] == "+10.0"


def test_every_method_has_a_name_a_line_and_a_marker() -> None:
    assert set(MARKERS) == set(METHOD_ORDER) == set(METHODS)
    assert len(set(MARKERS.values())) == len(MARKERS)
    assert all(METHODS.values())
    results = [result(method, rate, 0.5) for method in METHODS for rate in (0.0, 0.9)]
    for png in (scatter(results), cost_panels(make_rows(results))):
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("method", "rate", "variant", "name"),
    [
        ("run", 0.0, "", "ERM"),
        ("run", 0.9, "", "dropout 0.9"),
        ("run", 0.0, "MIRO", "MIRO"),
        ("EMA", 0.5, "10x head rate", "dropout 0.5, 10x head rate, EMA"),
        ("SWAD", 0.0, "", "ERM, SWAD"),
    ],
)
def test_method_names(method: str, rate: float, variant: str, name: str) -> None:
    assert method_name(method, rate, variant) == name


def test_a_rate_has_one_colour_in_every_figure() -> None:
    rates = [0.0, 0.5, 0.9]
    assert len({colour_of(rate, rates) for rate in rates}) == 3
    assert colour_of(0.5, rates) == colour_of(0.5, list(reversed(rates)))
