"""What runs declare, which of them are repeats of each other, and what sets them apart."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from conftest import CONFIGS
from dropout_ft.app import APP
from dropout_ft.methods.registry import all_methods
from dropout_ft.report import figures
from dropout_ft.report.comparison_figures import cost_panels
from dropout_ft.report.figures import colour_of, scatter
from dropout_ft.report.names import method_name
from dropout_ft.report.results import collect
from dropout_ft.report.table import make_rows, text_cells
from dropout_ft.results.coordinates import coordinates_of, labels
from dropout_ft.results.run import groups_of_runs, load_runs
from holdfast.errors import DataError
from tables_support import make_coordinates, make_result, make_run
from tests_support import only_run

Arguments = Callable[..., list[str]]


def declared(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((only_run(root) / "run.json").read_text())["coordinates"]
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("base")
    assert APP.main(words_of(pictures, root)) == 0
    return declared(root)


def words_of(pictures: Path, root: Path, *more: str) -> list[str]:
    return [
        "fit", "--config", str(CONFIGS / "dropout_ft/tiny.yaml"), "--data.source", str(pictures),
        "--run.root", str(root), *more,
    ]  # fmt: skip


def test_a_run_declares_its_place_in_the_experiment(base: dict[str, Any]) -> None:
    assert {key: base[key] for key in base if key not in {"method", "data"}} == {
        "experiment": "tiny", "variant": "", "point": {}, "seed": 0, "steps": 2, "processes": 1,
        "objective": "ERM", "dropout_rate": 0.9, "head_lr_factor": 1.0, "backbone": "test_resnet",
        "weights": "none", "source": "Source", "left_out": ["a"], "split_seed": 0,
        "holdout_fraction": 0.2, "image_size": 32, "batch_size": 2,
        "precision": "32-true", "compiled": False, "class_weights": "none",
        "train_images": 48,
    }  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        ["--seed_everything", "5"],
        ["--model.dropout_rate", "0.5"],
        ["--data.test_domains", "[b]"],
        ["--data.split_seed", "3"],
        ["--data.eval_batch_size", "7"],
        ["--trainer.log_every_n_steps", "1"],
        ["--trainer.precision", "32-true"],
        ["--model.optimizer.init_args.lr", "0.1",
         "--run.point", '{"model.optimizer.init_args.lr": 0.1}'],
    ],
    ids=lambda more: more[0],
)  # fmt: skip
def test_repeats_of_one_method(
    more: list[str], base: dict[str, Any], pictures: Path, tmp_path: Path
) -> None:
    assert APP.main(words_of(pictures, tmp_path, *more)) == 0
    if "--run.point" in more:  # the key of a declared search is no part of the method
        other = words_of(
            pictures, tmp_path / "own",
            "--run.point", '{"model.optimizer.init_args.lr": "as configured"}',
        )  # fmt: skip
        assert APP.main(other) == 0
        assert declared(tmp_path / "own")["method"] == _declared_at(tmp_path)["method"]
    else:
        assert declared(tmp_path)["method"] == base["method"]


def _declared_at(root: Path) -> dict[str, Any]:
    record = next(root.glob("tiny-*/run.json"))
    found: dict[str, Any] = json.loads(record.read_text())["coordinates"]
    return found


@pytest.mark.parametrize(
    "more",
    [
        ["--model.optimizer.init_args.lr", "0.01"],
        ["--model.head_lr_factor", "10"],
        ["--model.backbone", str(CONFIGS / "model/tiny_efficientnet.yaml")],
        ["--data.global_batch_size", "3"],
        ["--data.image_size", "48"],
        ["--trainer.max_steps", "3"],
        ["--config", str(CONFIGS / "methods/mixup.yaml")],
        ["--config", str(CONFIGS / "methods/sma.yaml")],
    ],
    ids=lambda more: Path(more[1]).stem if more[0] == "--config" else more[0],
)
def test_what_makes_another_method(
    more: list[str], base: dict[str, Any], pictures: Path, tmp_path: Path
) -> None:
    assert APP.main(words_of(pictures, tmp_path, *more)) == 0
    assert declared(tmp_path)["method"] != base["method"]


def test_unlike_runs_in_one_report_never_share_a_row(pictures: Path, tmp_path: Path) -> None:
    """Runs of 2 and 4 steps, and of two backbones, used to be averaged as "ERM, n = 2"."""
    plain = ["--model.dropout_rate", "0"]
    vit = ["--model.backbone", str(CONFIGS / "model/tiny_efficientnet.yaml")]
    for more in ([], ["--trainer.max_steps", "3"], vit, ["--seed_everything", "1"]):
        assert APP.main(words_of(pictures, tmp_path / "runs", *plain, *more)) == 0
    collection = collect(load_runs([tmp_path / "runs"]))
    rows = {row.name: row for row in make_rows(collection.results) if row.method == "run"}
    assert sorted(row.count for row in rows.values()) == [1, 1, 2]
    assert len(rows) == 3
    names = " ".join(rows)
    assert "steps 3" in names
    assert "test_efficientnet" in names
    assert [r.method for r in collection.results].count("ensemble over runs") == 1
    once = load_runs([tmp_path / "runs", *(tmp_path / "runs").resolve().iterdir()])
    assert len(once) == 4, "a run that is given twice counts once"


def test_a_run_that_does_not_say_what_it_is_is_refused() -> None:
    with pytest.raises(DataError, match="does not say what the run is"):
        coordinates_of({"config": {"model": {"dropout_rate": 0.9}}}, "run.json")


def test_the_precision_is_what_the_run_had_and_no_default() -> None:
    where = {key: value for key, value in vars(make_coordinates()).items() if key != "precision"}
    record = {"identity": {"precision": "bf16-mixed"}, "coordinates": where}
    assert coordinates_of(record, "run.json").precision == "bf16-mixed"


def test_members_of_an_ensemble_share_rate_and_method_but_not_point() -> None:
    runs = [
        make_run(seed=0), make_run(seed=1, point={"lr": 1}),
        *(make_run(seed=seed, variant="CORAL", method="c") for seed in (0, 1)),
        make_run(seed=0, dropout_rate=0.0), make_run(seed=2, split_seed=1),
    ]  # fmt: skip
    groups = groups_of_runs(runs)
    assert [len(group) for group in groups] == [2, 2]
    assert {member.coordinates.variant for member in groups[1]} == {"CORAL"}


def test_variants_are_rows_of_their_own_and_gain_over_plain_erm() -> None:
    results = [
        make_result("run", 0, 0.5), make_result("run", 0, 0.6, objective="CORAL", method="c"),
        make_result("run", 0.9, 0.7, objective="CORAL", method="c"),
        make_result("SWAD", 0, 0.55), make_result("greedy soup", 0.9, 0.8, seed=-1),
    ]  # fmt: skip
    rows = make_rows(results)
    assert [row.name for row in rows] == [
        "ERM", "CORAL", "dropout 0.9, CORAL", "ERM, SWAD", "dropout 0.9, greedy soup",
    ]  # fmt: skip
    assert [round(row.gain, 6) for row in rows] == [0, 10, 20, 5, 30]
    assert text_cells(rows[0])[3] == "-"
    assert text_cells(rows[1])[3] == "+10.0"


@pytest.mark.parametrize(
    "unlike",
    [{"steps": 200}, {"backbone": "v"}, {"weights": "x"}, {"image_size": 64}, {"data": "e"},
     {"precision": "bf16-mixed"}, {"compiled": True}, {"class_weights": "balanced"},
     {"holdout_fraction": 0.6}, {"left_out": ("c",)}, {"split_seed": 1}],
    ids=lambda unlike: next(iter(unlike)),
)  # fmt: skip
def test_gains_are_over_an_erm_of_the_same_budget_and_place(unlike: dict[str, Any]) -> None:
    results = [make_result("run", 0, 0.5), make_result("run", 0.9, 0.7, method="n", **unlike)]
    rows = {row.name: row for row in make_rows(results)}
    assert text_cells(rows["dropout 0.9"])[3] == "-"
    own = make_result("run", 0, 0.6, method="n", variant="long", **unlike)
    rows = {row.dropout_rate: row for row in make_rows([*results, own]) if row.dropout_rate}
    assert rows[0.9].gain != rows[0.9].gain or round(rows[0.9].gain) == 10


def test_groups_that_would_share_a_name_are_told_apart_by_what_differs() -> None:
    first = make_coordinates(steps=2, recipe={"trainer.max_steps": 2, "data.source": "x"})
    other = make_coordinates(steps=4, recipe={"trainer.max_steps": 4, "data.source": "y"})
    alone = make_coordinates(method="o", dropout_rate=0.0, recipe={"trainer.max_steps": 4})
    named = make_coordinates(method="p", variant="slow", recipe={"trainer.max_steps": 9})
    found = labels([first, other, alone, named])
    assert found[first.group] == "steps 2"
    assert found[other.group] == "steps 4"
    assert found[alone.group] == ""
    assert found[named.group] == "slow"


@pytest.mark.parametrize(
    "unlike",
    [{"steps": 200}, {"backbone": "v"}, {"image_size": 64}, {"batch_size": 64}, {"processes": 4},
     {"objective": "CORAL"}, {"precision": "bf16-mixed"}, {"compiled": True}],
    ids=lambda unlike: next(iter(unlike)),
)  # fmt: skip
def test_a_search_over_the_budget_makes_groups_of_their_own(unlike: dict[str, Any]) -> None:
    """A grid over trainer.max_steps became one row "ERM, n = 2" and one ensemble."""
    point = {"point": {"anything": 1}}
    runs = [make_coordinates(**point), make_coordinates(**point, **unlike)]
    assert len({run.group for run in runs}) == 2
    assert len(set(labels(runs).values())) == 2


def test_a_variant_that_only_repeats_the_backbone_of_all_is_no_name() -> None:
    """The runs of ``advise`` with one backbone: ERM was called "efficientnet_lite0"."""
    erm, large = (
        make_coordinates(variant="lite0", backbone="tf_lite0", dropout_rate=rate, method=f"m{rate}")
        for rate in (0.0, 0.9)
    )
    assert set(labels([erm, large]).values()) == {""}
    other = make_coordinates(variant="resnet50", backbone="resnet50", method="r")
    assert set(labels([erm, large, other]).values()) == {"lite0", "resnet50"}
    mixup = make_coordinates(variant="mixup", backbone="tf_lite0", method="x")
    assert labels([mixup])[mixup.group] == "mixup"


def test_groups_whose_first_differences_are_equal_have_names_of_their_own() -> None:
    """Only three differences were named: two groups were both "a 1, b 1, c 1"."""
    keys = [f"model.{name}" for name in "abcd"]
    recipes = [
        dict.fromkeys(keys, 0),
        dict.fromkeys(keys, 1),
        dict.fromkeys(keys, 1) | {keys[3]: 2},
    ]
    runs = [make_coordinates(method=f"m{n}", recipe=one) for n, one in enumerate(recipes)]
    assert len(set(labels(runs).values())) == 3


def test_figures_never_average_unlike_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two unlike groups no plain one was left, and the figures averaged all of them."""
    results = [
        replace(make_result("run", 0.0, ood, backbone=name), label=f"backbone {name}")
        for name, ood in (("resnet", 0.2), ("vit", 0.8))
    ]
    found = figures.families(results)
    assert {label: [r.ood for r in own] for label, own in found.items()} == {
        "backbone resnet": [0.2], "backbone vit": [0.8],
    }  # fmt: skip
    drawn: list[float] = []
    bar = Axes.bar

    def spy(self: Axes, at: Any, heights: list[float], *rest: Any, **options: Any) -> Any:
        drawn.extend(heights)
        return bar(self, at, heights, *rest, **options)

    monkeypatch.setattr(Axes, "bar", spy)
    figures.domain_bars(results)
    assert drawn == pytest.approx([20, 80])
    assert figures.rate_curve(results).startswith(b"\x89PNG")


def test_every_method_has_a_name_a_line_and_a_marker() -> None:
    methods = list(all_methods().values())
    assert len({method.marker for method in methods}) == len(methods)
    assert len({method.order for method in methods}) == len(methods)
    assert all(method.description for method in methods)
    results = [
        make_result(m.name, dropout_rate, 0.5) for m in methods for dropout_rate in (0.0, 0.9)
    ]
    for png in (scatter(results), cost_panels(make_rows(results))):
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("method", "dropout_rate", "label", "objective", "name"),
    [
        ("run", 0.0, "", "ERM", "ERM"),
        ("run", 0.9, "", "ERM", "dropout 0.9"),
        ("run", 0.0, "MIRO", "MIRO", "MIRO"),
        ("run", 0.0, "resnet50", "ERM", "ERM, resnet50"),
        ("SWAD", 0.0, "resnet50", "ERM", "ERM, resnet50, SWAD"),
        ("run", 0.9, "MIRO, resnet50", "MIRO", "dropout 0.9, MIRO, resnet50"),
        ("EMA", 0.5, "10x head rate", "ERM", "dropout 0.5, 10x head rate, EMA"),
        ("SWAD", 0.0, "", "ERM", "ERM, SWAD"),
    ],
)
def test_method_names(
    method: str, dropout_rate: float, label: str, objective: str, name: str
) -> None:
    assert method_name(method, dropout_rate, label, objective) == name


def test_several_backbones_in_one_sweep_are_named_beside_their_method() -> None:
    """ERM was called "lite0", and MIRO too: the table did not say which method a row was of."""
    groups = [
        make_coordinates(
            variant=backbone, backbone=f"tf_{backbone}", dropout_rate=rate, objective=objective,
            method=f"{backbone}{rate}{objective}",
        )
        for backbone in ("lite0", "resnet50")
        for rate, objective in ((0.0, "ERM"), (0.9, "ERM"), (0.0, "MIRO"))
    ]  # fmt: skip
    found = labels(groups)
    names = {method_name("run", g.dropout_rate, found[g.group], g.objective) for g in groups}
    assert names == {
        "ERM, lite0", "dropout 0.9, lite0", "MIRO, lite0",
        "ERM, resnet50", "dropout 0.9, resnet50", "MIRO, resnet50",
    }  # fmt: skip
    mixup = make_coordinates(variant="mixup 0.2", objective="Mixup")
    assert labels([mixup])[mixup.group] == "mixup 0.2", "which says it already"


def test_a_rate_has_one_colour_in_every_figure() -> None:
    rates = [0.0, 0.5, 0.9]
    assert len({colour_of(dropout_rate, rates) for dropout_rate in rates}) == 3
    assert colour_of(0.5, rates) == colour_of(0.5, list(reversed(rates)))
