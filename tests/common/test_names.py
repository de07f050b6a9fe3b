"""A domain's name is text everywhere: 2019 is no number, 010 is not 8, no is not False (A6)."""

import doctest
from pathlib import Path

import pytest
import yaml

from conftest import CONFIGS
from holdfast.cli import names
from holdfast.cli.names import load_yaml, parse_names, quote_names, quote_words
from holdfast.cli.spelling import spell_out
from holdfast.errors import ConfigError
from parsing_support import parsed

HARD = ["2019", "1", "010", "no", "yes", "1e3", "0x10", "1_000", "12:30", "2001-01-01", "null", "~"]
TYPED = f"[{','.join(HARD)}]"
TINY = ("--config", str(CONFIGS / "dropout_ft/tiny.yaml"))


@pytest.mark.parametrize("name", HARD)
def test_a_single_name_stays_as_typed(name: str) -> None:
    assert parse_names(name) == [name]
    assert parse_names(f"[{name}]") == [name]
    assert load_yaml(f"domains: [{name}]") == {"domains": [name]}
    assert load_yaml(f"domains:\n- {name}\n- 'b'") == {"domains": [name, "b"]}


def test_only_names_become_text() -> None:
    text = "{seeds: [1, 010], rates: [1e-3], domains: [010], set: {data.test_domains: 7}}"
    assert load_yaml(text) == {
        "seeds": [1, 8], "rates": ["1e-3"], "domains": ["010"],
        "set": {"data.test_domains": "7"},
    }  # fmt: skip
    assert quote_names("a: 010\n") == "a: 010\n"


def test_lists_of_lists_and_absent_values() -> None:
    assert load_yaml("grid: {data.test_domains: [[1], [2, no]]}") == {
        "grid": {"data.test_domains": [["1"], ["2", "no"]]}
    }
    assert load_yaml("domains: null") == {"domains": None}
    assert load_yaml("domains:") == {"domains": None}


def test_interpolation_is_left_alone() -> None:
    assert load_yaml("domains: ${other}") == {"domains": "${other}"}
    assert quote_words(["--domains=${other}"]) == ["--domains=${other}"]


@pytest.mark.parametrize("broken", ["[a", "[a: 1]", "[[a], b]"])
def test_what_is_no_list_is_refused(broken: str) -> None:
    with pytest.raises(ConfigError, match="list of names"):
        parse_names(broken)


def test_broken_yaml_stays_an_error() -> None:
    with pytest.raises(yaml.YAMLError):
        quote_names("domains: [a\n")


@pytest.mark.parametrize(
    "words",
    [
        (f"--data.test_domains={TYPED}",),
        ("--data.test_domains", TYPED),
        (f"--data={{source: x, test_domains: {TYPED}}}",),
    ],
)  # fmt: skip
def test_fit_keeps_names_on_the_command_line(words: tuple[str, ...]) -> None:
    """Was: refused with "choose from 2019, ..."; 010 silently left another domain out."""
    assert list(parsed("dropout_ft", *TINY, *words).data.test_domains) == HARD


def test_fit_appends_names() -> None:
    words = ("--data.test_domains", "010", "--data.test_domains+", "no")
    assert list(parsed("dropout_ft", *TINY, *words).data.test_domains) == ["010", "no"]


@pytest.mark.parametrize("option", ["--config", "--data"])
def test_fit_keeps_names_in_files(option: str, tmp_path: Path) -> None:
    data = f"source: x\ntest_domains: {TYPED}\n"
    if option == "--config":
        data = "data:\n" + "".join(f"  {line}\n" for line in data.splitlines())
    (tmp_path / "own.yaml").write_text(data)
    config = parsed("dropout_ft", *TINY, option, str(tmp_path / "own.yaml"))
    assert list(config.data.test_domains) == HARD


def test_fit_keeps_names_in_a_file_that_a_file_names(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(f"{{source: x, test_domains: {TYPED}}}\n")
    (tmp_path / "own.yaml").write_text("data: data.yaml\n")
    config = parsed("dropout_ft", *TINY, "--config", str(tmp_path / "own.yaml"))
    assert list(config.data.test_domains) == HARD


def several(*, domains: list[str], rates: list[float] = []) -> None:  # noqa: B006
    """Stand for a command of ours."""


@pytest.mark.parametrize(
    "words",
    [["--domains", *HARD], ["--domains", TYPED], [f"--domains={TYPED}"]],
)
def test_our_own_commands_keep_names(words: list[str]) -> None:
    from holdfast.cli.parser import SuggestingParser

    parser = SuggestingParser(exit_on_error=False)
    parser.add_function_arguments(several)
    found = parser.parse_args(spell_out(several, [*words, "--rates", "[0, 0.5]"]))
    assert found.domains == HARD
    assert found.rates == [0.0, 0.5]


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(names).failed == 0
