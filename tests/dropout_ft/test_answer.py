"""The sentence at the top of a report, on rows written by hand."""

import math

import pytest

from dropout_ft.report.answer import answer
from dropout_ft.report.table import Row

NAN = float("nan")


def row(
    method: str = "run",
    dropout_rate: float = 0.0,
    gain: float = 0.0,
    half: float = NAN,
    label: str = "",
) -> Row:
    return Row(
        name="", method=method, dropout_rate=dropout_rate, count=3, iid=60.0, iid_error=1.0,
        ood=65.6, ood_error=1.0, gain=gain, gain_error=NAN, gain_interval=half, train_seconds=1.0,
        networks=1.0, label=label, erm=method == "run" and dropout_rate == 0 and not label,
    )  # fmt: skip


ERM = row()


def test_a_gain_is_said_with_its_interval_and_its_rivals() -> None:
    rivals = [row("ensemble over runs", gain=1.8, half=1.0), row("greedy soup", gain=0.3)]
    said = answer([ERM, row(dropout_rate=0.9, gain=7.6, half=6.5), *rivals])
    assert said == (
        "One run with dropout 0.9 is 7.6 ± 6.5 points (95 % interval) more accurate on the data "
        "left out than ordinary fine-tuning (ERM, 65.6 %). For comparison, the best of 2 ensembles "
        "and averages of ERM, ensemble over runs, differs by +1.8 ± 1.0 points."
    )


def test_a_gain_that_chance_explains_is_no_gain() -> None:
    said = answer([ERM, row(dropout_rate=0.9, gain=2.0, half=2.1)])
    assert said.startswith("No gain over ordinary fine-tuning (ERM, 65.6 %) can be told")
    assert "+2.0 ± 2.1" in said
    assert "For comparison" not in said


def test_zero_shot_clip_is_no_ensemble_and_one_rival_is_named_alone() -> None:
    rows = [ERM, row(dropout_rate=0.9, gain=3.0, half=1.0)]
    zero_shot = row("zero-shot CLIP", gain=10.0, half=0.3)
    assert "For comparison" not in answer([*rows, zero_shot])
    said = answer([*rows, zero_shot, row("greedy soup", gain=-1.0)])
    assert said.endswith("For comparison, ERM's greedy soup differs by -1.0 points.")


def test_a_loss_is_called_one() -> None:
    assert "is 3.0 ± 1.0 points (95 % interval) less accurate" in answer(
        [ERM, row(dropout_rate=0.9, gain=-3.0, half=1.0)]
    )


def test_one_result_tells_nothing_from_chance() -> None:
    assert "a single result" in answer([ERM, row(dropout_rate=0.9, gain=5.0)])


def test_the_best_of_several_rates_is_called_so() -> None:
    rates = [row(dropout_rate=0.5, gain=3.0, half=1.0), row(dropout_rate=0.9, gain=5.0, half=1.0)]
    assert "dropout 0.9 (the best of 2 rates) is 5.0" in answer([ERM, *rates])


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [ERM],
        [row(dropout_rate=0.9, gain=math.nan)],
        [ERM, ERM, row(dropout_rate=0.9, gain=1.0)],
        [ERM, row(dropout_rate=0.9, gain=1.0, label="Mixup")],
    ],
)
def test_without_one_erm_and_a_plain_run_there_is_no_answer(rows: list[Row]) -> None:
    assert answer(rows) == ""
