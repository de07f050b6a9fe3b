"""The paper's numbers beside ours, the parts of a test domain, GPU-seconds, rates of the head."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_ft.data.known import KNOWN
from dropout_ft.data.table import EvaluationTable
from dropout_ft.methods.base import Options, Sum
from dropout_ft.methods.run_ensemble import EnsembleOverRuns
from dropout_ft.methods.trajectory_ensemble import trajectory_ensemble
from dropout_ft.report import comparison_figures
from dropout_ft.report.page import render_page
from dropout_ft.report.results import Collection, Result, collect, of_part
from dropout_ft.report.table import make_rows
from dropout_ft.report.targets import PAPER, comparisons, dataset_of, target_cells
from dropout_ft.results.run import Run, _gpus, run_directories
from holdfast.errors import DataError
from holdfast.runs.directory import RunDirectory
from tables_support import make_coordinates, make_logits, make_result, make_table

PAPER_GAINS = {"VLCS": 1.27, "OfficeHome": 2.63, "PACS": 1.92, "TerraIncognita": 2.33}


def run_on(table: EvaluationTable, seed: int = 0, **changed: Any) -> Run:
    logits = {step: {"current": make_logits(table, 10 * seed + step)} for step in (1, 2, 3)}
    rows = [
        {"step": step, "current": {"iid": 0.5, "ood": 0.25, "ood_in": 0.25, "ood_out": 0.25}}
        for step in logits
    ]
    base = Run(
        directory=RunDirectory(path=Path(f"nowhere-{seed}")), table=table, logits=logits,
        coordinates=make_coordinates(seed=seed, dropout_rate=0.0), rows=rows, seconds=10.0,
    )  # fmt: skip
    return replace(base, **changed)


def _no_facts(_: Any) -> dict[str, Any]:
    return {"model": {}, "data": {}}


def table_of(domains: tuple[str, ...], classes: int) -> EvaluationTable:
    names = tuple(f"c{i}" for i in range(classes))
    return replace(make_table(), domain_names=domains, class_names=names)


def results(domains: list[str], *, dropout_rate: float, ood: float, seeds: int = 1) -> list[Result]:
    return [
        make_result("run", dropout_rate, ood + 0.01 * i, seed=s, left_out=(d,))
        for i, d in enumerate(domains)
        for s in range(seeds)
    ]


@pytest.mark.parametrize(("dataset", "gain"), PAPER_GAINS.items())
def test_the_papers_gain_of_rate_09_is_the_published_difference(dataset: str, gain: float) -> None:
    difference = PAPER[dataset, "run", 0.9][1] - PAPER[dataset, "run", 0.0][1]
    assert difference == pytest.approx(gain, abs=0.011)


def test_the_papers_average_over_data_sets() -> None:
    for dropout_rate, expected in ((0.0, 71.83), (0.9, 73.87)):
        mean = np.mean([PAPER[name, "run", dropout_rate][1] for name in PAPER_GAINS])
        assert mean == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_data_set_is_told_by_its_domains_and_classes(name: str) -> None:
    known = KNOWN[name]
    assert dataset_of(run_on(table_of(known.domains, known.classes))) == name
    assert dataset_of(run_on(table_of(known.domains, known.classes + 1))) == ""
    assert dataset_of(run_on(table_of(known.domains[:-1], known.classes))) == ""


def test_other_spellings_of_a_domain_are_the_same_data_set() -> None:
    table = table_of(("Art", "Clipart", "Product", "Real_World"), 65)
    assert dataset_of(run_on(table)) == "OfficeHome"


def test_comparison_averages_over_domains_whatever_the_number_of_seeds() -> None:
    domains = list(KNOWN["PACS"].domains)
    run = run_on(table_of(tuple(domains), 7))
    ours = results(domains[:1], dropout_rate=0.9, ood=0.80, seeds=3) + results(
        domains[1:2], dropout_rate=0.9, ood=0.90
    )
    (row,) = comparisons([run], ours)
    assert (row.name, row.paper_ood, row.missing) == ("dropout 0.9", 88.41, ("photo", "sketch"))
    assert row.ood == pytest.approx(85.0)
    assert target_cells(row) == ["dropout 0.9", "97.8", "90.0", "88.4", "85.0", "photo, sketch"]


def test_what_the_paper_does_not_show_is_not_compared() -> None:
    pacs = run_on(table_of(KNOWN["PACS"].domains, 7))
    vlcs = run_on(table_of(KNOWN["VLCS"].domains, 5))
    ours = results(["photo"], dropout_rate=0.0, ood=0.8)
    assert comparisons([pacs, vlcs], ours) == [], "two data sets at once"
    assert comparisons([run_on(make_table())], ours) == [], "an unknown data set"
    odd = [
        make_result("run", 0.3, 0.8, left_out=("photo",)),
        replace(ours[0], label="CORAL"),
        make_result("run", 0.0, 0.8, left_out=("photo", "sketch")),
    ]
    assert comparisons([pacs], odd) == []


def test_the_page_shows_the_papers_numbers_only_for_its_data_sets() -> None:
    domains = KNOWN["VLCS"].domains
    ours = [
        replace(result, runs=("nowhere-0",))
        for result in results(list(domains), dropout_rate=0.0, ood=0.7)
    ]
    for table, expected in ((table_of(domains, 5), True), (make_table(), False)):
        collection = Collection(runs=[run_on(table)], results=ours)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dropout_ft.report.page._shared_facts", _no_facts)
            page = render_page(collection, make_rows(ours), title="t", note="", part="in")
        assert ("Beside the paper" in page) is expected
        assert ("78.7" in page) is expected
        assert "80 % “in” part" in page


def test_parts_of_the_test_domain() -> None:
    one = replace(make_result("run", 0.0, 0.5), ood_in=0.4, ood_out=0.9)
    over = replace(make_result("ensemble over runs", 0.0, 0.5, seed=-1), ood_in=0.4, ood_out=0.9)
    for part, expected in (("whole", 0.5), ("in", 0.4), ("out", 0.9)):
        assert [r.ood for r in of_part([one, over], part)] == [expected, expected]  # type: ignore[arg-type]
    with pytest.raises(DataError, match="'in' part"):
        of_part([replace(one, ood_in=float("nan"))], "in")


def test_ensembles_sum_what_they_are_told_to() -> None:
    table = make_table()
    rest = [-50.0] * (len(table.class_names) - 3)
    first, second = [10.0, 0.0, 8.0, *rest], [0.0, 9.0, 9.0, *rest]
    logits = [np.tile(np.float32(values), (len(table), 1)) for values in (first, second)]
    rows_of = [{"step": 1, "current": {"iid": 0.5, "ood": 0.25}}]
    runs = [
        run_on(table, i, logits={1: {"current": one}}, rows=rows_of) for i, one in enumerate(logits)
    ]
    along = run_on(table, logits={1: {"current": logits[0]}, 2: {"current": logits[1]}})
    tests = np.isin(table.domain, table.test_domains)
    # The logits' sum favours class 2 (17 to 10), the probabilities' class 0 (0.88 to 0.62).
    kinds: list[tuple[Sum, int]] = [("logits", 2), ("probabilities", 0)]
    for kind, answer in kinds:
        (over,) = EnsembleOverRuns().scores(runs, Options(ensemble_of=kind))
        assert over["ood"] == np.mean(table.label[tests] == answer)
        rows = trajectory_ensemble({1: logits[0], 2: logits[1]}, table, ensemble_of=kind)
        found = {r.method: r for r in collect([along], (), Options(ensemble_of=kind)).results}
        assert found["trajectory ensemble"].iid == max(row["iid"] for row in rows)


@pytest.mark.parametrize(
    ("accelerator", "processes", "expected"),
    [("cuda", 4, 4), ("cuda", 1, 1), ("cpu", 2, 0), (None, 2, 0)],
)
def test_gpus_are_those_a_run_used(accelerator: str | None, processes: int, expected: int) -> None:
    identity = {"accelerator": accelerator, "processes": processes}
    assert _gpus({"identity": identity}) == expected
    assert _gpus({}) == 0


def test_gpu_seconds_add_up() -> None:
    group = [run_on(make_table(), seed, gpus=2) for seed in (0, 1, 2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dropout_ft.methods.weight_average.AverageOverRuns.able", lambda *_: False)
        found = collect(group).results
    own = [r for r in found if r.method == "run"]
    (over,) = [r for r in found if r.method == "ensemble over runs"]
    assert [r.gpu_seconds for r in own] == [20.0] * 3
    assert (over.gpu_seconds, over.train_seconds) == (60.0, 30.0)
    rows = make_rows([over, replace(over, gpu_seconds=20.0)])
    assert rows[0].gpu_seconds == 40.0
    assert comparison_figures.cost_panels(rows).startswith(b"\x89PNG")


def test_rates_of_the_head_are_drawn_only_where_both_were_run() -> None:
    plain = results(["a", "b"], dropout_rate=0.9, ood=0.5)
    ten = [
        replace(r, coordinates=replace(r.coordinates, head_lr_factor=10.0, method="t"))
        for r in plain
    ]
    assert comparison_figures.head_rate(plain) is None
    assert comparison_figures.head_rate(ten) is None
    png = comparison_figures.head_rate([*plain, *ten])
    assert png is not None
    assert png.startswith(b"\x89PNG")
    changed = [replace(r, ood=0.1) for r in ten]
    assert comparison_figures.head_rate([*plain, *changed]) != png


def test_a_sweep_that_is_not_through_is_reported_as_far_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, status in (("a", "finished"), ("b", "interrupted"), ("c", "finished")):
        run = tmp_path / f"jobs/{name}/run"
        run.mkdir(parents=True)
        (run / "run.json").write_text(f'{{"status": "{status}"}}')
    found = run_directories(tmp_path)
    assert [path.parent.name for path in found] == ["a", "c"]
    assert "1 of the sweep's 3 runs are left out" in capsys.readouterr().out
    assert run_directories(found[0]) == [found[0]]
