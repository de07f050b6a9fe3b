"""The best rate against distance and images: made-up sweeps whose answer is known."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from dropout_ft.report.curve import Place, curve_csv, places, rank_correlation, read_tables
from dropout_ft.report.curve_figure import curve_figure
from dropout_ft.report.tidy import COLUMNS
from dropout_ft.results.csv_text import csv_of
from holdfast.errors import DataError

Run = Callable[[list[str]], int]
NOISE = (-0.01, 0.0, 0.01)
"""Added to the gain of each seed."""


def run_rows(seed: int, rate: float, ood: float, **changes: Any) -> Iterator[dict[str, Any]]:
    """Rows of a run: two steps, the first is selected; i.i.d. 0.9 on two domains."""
    values: dict[str, Any] = {
        "run": "", "experiment": "x", "method": "run", "label": "", "weights": "current",
        "dropout_rate": rate, "seed": seed, "split_seed": 0, "left_out": "far", "objective": "ERM",
        "backbone": "r", "pretrained": "none", "image_size": 32, "steps": 10, "point": "{}",
        "recipe": "12e4567890", "data": "0012345678", "train_images": 600, "budget": "b",
    } | changes  # fmt: skip
    named = [values[name] for name in ("label", "left_out", "data", "budget", "recipe", "method")]
    values["run"] = changes.get("run", f"{'-'.join(named)}-{rate:g}-{seed}")
    parts = [("d1", "train_out", 0.85, 10), ("d2", "train_out", 0.95, 90),
             (values["left_out"], "test_in", ood - 0.02, 80),
             (values["left_out"], "test_out", ood + 0.08, 20)]  # fmt: skip
    for step, selected in ((5, True), (10, False)):
        for domain, part, accuracy, images in parts:
            yield values | {"domain": domain, "part": part, "step": step, "images": images,
                            "selected": selected,
                            "accuracy": accuracy if selected else 0.1}  # fmt: skip


def sweep(erm: float, gains: dict[float, float], **changes: Any) -> list[dict[str, Any]]:
    """Three seeds of ERM and of rates with these gains; the noise of a gain sums to zero."""
    rows = []
    for seed, noise in enumerate(NOISE):
        rows += run_rows(seed, 0.0, erm + 0.05 * seed, **changes)
        for rate, gain in gains.items():
            rows += run_rows(seed, rate, erm + 0.05 * seed + gain + noise, **changes)
    return rows


def table(*rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([row for some in rows for row in some], columns=list(COLUMNS)).astype(
        COLUMNS
    )


def test_distance_gain_and_interval_are_those_put_in() -> None:
    """I.i.d. is the mean of domains, o.o.d. that of pictures; the interval is over seeds."""
    (place,) = places(table(sweep(0.5, {0.5: 0.02, 0.9: 0.06})))
    assert place.distance == pytest.approx(100 * (0.9 - 0.55))
    assert place.mean(0.9) == pytest.approx(6)
    assert place.mean(0.5) == pytest.approx(2)
    half = t.ppf(0.975, 2) * np.std(100 * np.array(NOISE), ddof=1) / np.sqrt(3)
    assert place.interval(0.9) == pytest.approx(half)
    assert place.best == 0.9
    assert place.rivals == (0.9,), "4 points on every seed"
    assert place.lead(0.9, 0.5) == (pytest.approx(4), pytest.approx(0, abs=1e-9))


def test_a_rate_within_chance_is_not_told_apart_and_no_gain_is_rate_zero() -> None:
    near = places(table(sweep(0.5, {0.5: 0.055, 0.9: 0.06})))[0]
    assert near.rivals == (0.9,), "half a point on every seed alike is told apart"
    rows = sweep(0.5, {0.9: 0.01})
    assert places(table(rows))[0].rivals == (0.0, 0.9), "1 point, give or take 2.5"
    assert places(table(sweep(0.5, {0.5: -0.05, 0.9: -0.04})))[0].best == 0.0


def test_the_papers_expectation_comes_out_as_a_curve() -> None:
    """The farther the shift and the fewer the pictures, the higher the best rate."""
    rows = [
        sweep(0.8, {0.5: 0.03, 0.9: 0.00}, left_out="near"),
        sweep(0.6, {0.5: 0.04, 0.9: 0.03}, left_out="middle"),
        sweep(0.3, {0.5: 0.02, 0.9: 0.07}, left_out="far"),
        sweep(0.3, {0.5: 0.02, 0.9: 0.09}, left_out="far", label="half", recipe="h",
              train_images=300, budget="half"),
    ]  # fmt: skip
    found = places(table(*rows))
    assert [(p.left_out, p.train_images, p.best) for p in found[:2]] == [
        ("near", 600, 0.5), ("middle", 600, 0.5)]  # fmt: skip
    assert sorted((p.train_images, p.best) for p in found[2:]) == [(300, 0.9), (600, 0.9)]
    leads = [p.lead(0.9, 0.5)[0] for p in found]
    assert rank_correlation([p.distance for p in found][:3], leads[:3]) == pytest.approx(1)
    picture = curve_figure(found)
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert curve_figure(found[:1]) is None, "one place is no curve"
    lines = curve_csv(found).splitlines()
    assert len(lines) == 1 + 4 * 3


@pytest.mark.parametrize("name", ["data", "budget", "recipe"])
def test_unlike_runs_are_never_averaged(name: str) -> None:
    """Another data set, budget or method is a place of its own with an ERM of its own."""
    other = {name: "other", "label": "other" if name == "recipe" else ""}
    found = places(table(sweep(0.5, {0.9: 0.06}), sweep(0.5, {0.9: -0.06}, **other)))
    assert sorted(round(place.mean(0.9)) for place in found) == [-6, 6]
    assert {len(place.gains[0.9]) for place in found} == {3}
    alone = [row for row in sweep(0.5, {0.9: 0.06}, **other) if row["dropout_rate"]]
    assert places(table(alone)) == [], "no ERM, no gain"
    mixed = table(sweep(0.5, {}), alone)
    if name == "recipe":
        assert len(places(mixed)) == 1, "a variant is compared with the plain ERM of its budget"
    else:
        assert places(mixed) == [], "an ERM of another budget or data set is no partner"


def test_two_sweeps_that_each_call_a_method_plain_keep_their_own_erm() -> None:
    """Their ERMs were once averaged: gains of +6 and -2 points came out as -4 and +8."""
    first, second = sweep(0.5, {0.9: 0.06}, recipe="A"), sweep(0.7, {0.9: -0.02}, recipe="B")
    found = places(table(first, second))
    assert [(one.recipe, round(one.mean(0.9))) for one in found] == [("B", -2), ("A", 6)]
    assert [round(one.distance) for one in found] == [15, 35]
    variant = [row for row in sweep(0.5, {0.9: 0.03}, recipe="C", label="c") if row["dropout_rate"]]
    assert {one.recipe for one in places(table(first, second, variant))} == {"A", "B"}


def test_tables_that_select_other_steps_of_a_run_disagree(tmp_path: Path) -> None:
    rows = sweep(0.5, {0.9: 0.06})
    other = [row | {"selected": not row["selected"]} for row in rows]
    for name, some in (("one", rows), ("two", other)):
        (tmp_path / f"{name}.csv").write_text(csv_of(table(some)))
    with pytest.raises(DataError, match="disagree"):
        read_tables([tmp_path / "one.csv", tmp_path / "two.csv"])


def test_other_methods_and_other_steps_do_not_count() -> None:
    rows = sweep(0.5, {0.9: 0.06})
    swad = sweep(0.9, {0.9: -0.3}, method="SWAD")
    coral = sweep(0.9, {0.9: -0.3}, objective="CORAL", label="CORAL", recipe="c")
    (place,) = places(table(rows, swad, coral))
    assert place.mean(0.9) == pytest.approx(6)


def test_points_of_a_search_are_one_repeat() -> None:
    """Six results of three seeds are three repeats: the interval counts seeds."""
    rows = [
        sweep(0.5, {0.9: gain}, point=f'{{"lr": {gain}}}', run=None)
        for gain in (0.04, 0.08)
    ]  # fmt: skip
    for number, row in enumerate(row for some in rows for row in some):
        row["run"] = f"{row['point']}-{row['dropout_rate']}-{row['seed']}-{number // 8}"
    (place,) = places(table(*rows))
    assert place.mean(0.9) == pytest.approx(6)
    assert len(place.gains[0.9]) == 3


def test_tables_go_together_and_a_run_counts_once(tmp_path: Path) -> None:
    """Digests that look like numbers stay text; a contradiction is an error."""
    first, second = tmp_path / "first.csv", tmp_path / "report/tidy.csv"
    second.parent.mkdir()
    table(sweep(0.5, {0.9: 0.06})).to_csv(first, index=False)
    table(sweep(0.5, {0.9: 0.06}), sweep(0.4, {0.9: 0.06}, left_out="b")).to_csv(
        second, index=False
    )
    found = places(read_tables([first, second.parent]))
    assert {len(place.gains[0.9]) for place in found} == {3}
    assert {(place.data, place.recipe) for place in found} == {("0012345678", "12e4567890")}
    table(sweep(0.5, {0.9: 0.01})).to_csv(first, index=False)
    with pytest.raises(DataError, match="disagree about the run"):
        read_tables([first, second.parent])


def test_damaged_tables_are_sentences(tmp_path: Path) -> None:
    file = tmp_path / "tidy.csv"
    with pytest.raises(DataError, match="There is no table"):
        read_tables([file])
    good = table(sweep(0.5, {0.9: 0.06}))
    good.drop(columns="train_images").to_csv(file, index=False)
    with pytest.raises(DataError, match="no column 'train_images'"):
        read_tables([tmp_path])
    for accuracy in (float("nan"), 1.5):
        good.assign(accuracy=accuracy).to_csv(file, index=False)
        with pytest.raises(DataError, match="no number from 0 to 1"):
            read_tables([file])
    good.astype({"seed": str}).assign(seed="x").to_csv(file, index=False)
    with pytest.raises(DataError, match="another kind"):
        read_tables([file])
    file.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError):
        read_tables([file])


def test_the_command_writes_figure_and_table_and_replaces_nothing(
    dropout_ft: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tidy.csv"
    table(
        sweep(0.7, {0.5: 0.03, 0.9: 0.00}, left_out="near"),
        sweep(0.3, {0.5: 0.02, 0.9: 0.07}, left_out="far"),
        sweep(0.6, {0.5: 0.03, 0.9: 0.04}, left_out="middle"),
    ).to_csv(file, index=False)
    words = ["curve", str(tmp_path), "--out", str(tmp_path / "out")]
    assert dropout_ft(words) == 0
    said = capsys.readouterr().out
    assert "gain of rate 0.9 minus that of 0.5 with the distance: +1.00" in said
    assert (tmp_path / "out/curve.png").read_bytes().startswith(b"\x89PNG")
    frame = pd.read_csv(tmp_path / "out/curve.csv")
    assert frame[frame["best"]].set_index("left_out")["dropout_rate"].to_dict() == {
        "near": 0.5, "middle": 0.9, "far": 0.9}  # fmt: skip
    assert dropout_ft(words) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert dropout_ft([*words, "--overwrite"]) == 0


def test_place_without_repeats_in_common_is_not_told_apart() -> None:
    place = Place(
        label="", left_out="a", train_images=0, data="d", budget="b", recipe="r",
        distances={(0, 0): 1.0}, gains={0.0: {(0, 0): 0.0}, 0.9: {(0, 0): 5.0}, 0.5: {(0, 1): 1.0}},
    )  # fmt: skip
    assert place.rivals == (0.0, 0.5, 0.9)
    assert np.isnan(place.lead(0.9, 0.5)[0])
