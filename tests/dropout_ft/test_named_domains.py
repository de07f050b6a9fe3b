"""Domains called 010, 2019 or no, from the command line to what a run says of itself (A6)."""

import json
from pathlib import Path

import pytest

from conftest import CONFIGS, make_pictures
from dropout_ft.app import APP
from holdfast.runs.record import read_record
from tests_support import only_run

NAMES = ("010", "2019", "8", "no")
TINY = str(CONFIGS / "dropout_ft/tiny.yaml")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of four domains whose names YAML would change; 010 would become 8."""
    return make_pictures(tmp_path_factory.mktemp("named"), domains=NAMES, per_class=3)


def left_out(root: Path) -> list[str]:
    found: list[str] = read_record(only_run(root) / "run.json")["coordinates"]["left_out"]
    return found


@pytest.mark.parametrize("words", [["--data.test_domains", "[010]"], ["--data.test_domains=010"]])
def test_fit_leaves_out_what_was_typed(named: Path, tmp_path: Path, words: list[str]) -> None:
    """Was: "choose from 010, 2019, ..."; or another domain was left out without a word."""
    fit = ["fit", "--config", TINY, "--data.source", str(named), "--run.root", str(tmp_path)]
    assert APP.main([*fit, *words]) == 0
    assert left_out(tmp_path) == ["010"]


def test_a_file_of_ones_own_leaves_out_what_it_says(named: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"data: {{source: {named}, test_domains: [no, 2019]}}\n")
    fit = ["fit", "--config", TINY, "--config", str(own), "--run.root", str(tmp_path / "runs")]
    assert APP.main(fit) == 0
    assert sorted(left_out(tmp_path / "runs")) == ["2019", "no"]
    config = only_run(tmp_path / "runs") / "config.yaml"
    assert APP.main(["fit", "--config", str(config)]) == 0, "the saved configuration is that run"
    assert sorted(left_out(tmp_path / "runs")) == ["2019", "no"]


@pytest.mark.parametrize(
    "domains", [["010", "no"], pytest.param(["[010,no]"], marks=pytest.mark.nightly)]
)
def test_compare_leaves_out_what_was_typed(named: Path, tmp_path: Path, domains: list[str]) -> None:
    words = [
        "compare",
        "--fit",
        TINY,
        "--domains",
        *domains,
        "--dropout_rates",
        "0",
        "--seeds",
        "0",
    ]
    words += ["--set", f"data.source={named}", "--out", str(tmp_path / "out")]
    assert APP.main(words) == 0
    records = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("run.json")]
    assert sorted(one["coordinates"]["left_out"][0] for one in records) == ["010", "no"]
