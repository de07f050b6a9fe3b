"""Messages about unknown keys are short and name the nearest known key."""

import json
from pathlib import Path
from typing import Literal

import pytest

from conftest import CONFIGS
from holdfast.cli.parser import SuggestingParser, parameters_of
from holdfast.cli.suggestions import nearest_key
from holdfast.errors import ConfigError, UsageError
from parsing_support import parsed


def build() -> SuggestingParser:
    parser = SuggestingParser()
    parser.add_argument("--model.dropout_rate", type=float, default=0.9)
    parser.add_argument("--trainer.max_steps", type=int, default=1)
    parser.add_argument("--run.resume", type=Literal["auto", "always", "never"], default="auto")
    return parser


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Subcommand 'fit' does not accept option 'model.dropout_rte'",
            "Did you mean 'model.dropout_rate'?",
        ),
        ("Unrecognized arguments: --trainer.max_stp 3", "Did you mean 'trainer.max_steps'?"),
        ("something else went wrong", "something else went wrong"),
    ],
)
def test_explain_unknown_keys(message: str, expected: str) -> None:
    assert build().explain(message).endswith(expected)


def test_explain_options_of_classes() -> None:
    message = (
        "Parser key \"model.optimizer\":\n  Problem with given class_path 'torch.optim.SGD':\n"
        "    Option 'momentun' is not accepted\n  Given value: {}"
    )
    assert build().explain(message) == (
        "model.optimizer: torch.optim.SGD has no option 'momentun'. Did you mean 'momentum'?"
    )


def test_explain_classes_that_cannot_be_imported() -> None:
    message = "Problem with given class_path 'no.such.Thing':\n Option 'x' is not accepted"
    assert build().explain(message) == "no.such.Thing has no option 'x'."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--model.dropout_rte", "0.5"],
         "there is no option 'model.dropout_rte'. Did you mean 'model.dropout_rate'?"),
        (["--model.dropout_rate", "x"], "model.dropout_rate: must be a number, not 'x'."),
        (["--trainer.max_steps", "1.5"], "trainer.max_steps: must be a whole number, not '1.5'."),
        (["--run.resume", "allways"],
         "run.resume: must be one of auto, always, never, not 'allways'. Did you mean 'always'?"),
        (["--config", "no.yaml"], f"config: there is no file {Path('no.yaml').absolute()}."),
    ],
)  # fmt: skip
def test_wrong_words_are_told_in_one_sentence(words: list[str], expected: str) -> None:
    parser = build()
    parser.add_argument("--config", action="config")
    with pytest.raises(UsageError) as raised:
        parser.parse_args(words)
    assert str(raised.value) == expected


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """Was: "Problems parsing config", without the file's name."""
    (tmp_path / "inner.yaml").write_text("a: 1\nb: [\n")
    (tmp_path / "outer.yaml").write_text("model: inner.yaml\n")
    parser = build()
    parser.add_argument("--config", action="config")
    with pytest.raises(ConfigError, match=r"inner\.yaml is not YAML: line 3"):
        parser.parse_args(["--config", str(tmp_path / "outer.yaml")])


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"bytes\.yaml cannot be read"):
        build().parse_args([f"--config={tmp_path / 'bytes.yaml'}"])


def test_known_keys_include_those_of_subcommands() -> None:
    parser = SuggestingParser()
    parser.add_subcommands().add_subcommand("fit", build())
    assert "trainer.max_steps" in parser.known_keys()


def test_parameters_of() -> None:
    assert "momentum" in parameters_of("torch.optim.SGD")
    assert parameters_of("torch.optim.NoSuch") == []
    assert parameters_of("nodots") == []


def test_the_right_place_wins_over_the_right_spelling() -> None:
    known = ["trainer.max_steps", "model.rate"]
    assert nearest_key("trainer.max_step", known) == "trainer.max_steps"
    assert nearest_key("model.rat", known) == "model.rate"


@pytest.mark.parametrize("name", ["../../out", "a/b", "a\\b", "..", ".hidden", "", " ", "x" * 300])
def test_a_runs_name_is_one_folder(name: str, tmp_path: Path) -> None:
    """C7. Was: `run.name: ../../..` in a stranger's YAML wrote anywhere."""
    (tmp_path / "stranger.yaml").write_text(json.dumps({"run": {"name": name}}))
    tiny = ("--config", str(CONFIGS / "dropout_ft/tiny.yaml"))
    for words in (("--config", str(tmp_path / "stranger.yaml")), (f"--run.name={name}",)):
        with pytest.raises(ConfigError, match="must be one folder's name"):
            parsed("dropout_ft", *tiny, *words)


def test_plain_names_of_runs() -> None:
    tiny = ("--config", str(CONFIGS / "dropout_ft/tiny.yaml"))
    for name in ("a", "site_a-0.9", "2019", "été"):
        assert parsed("dropout_ft", *tiny, f"--run.name={name}").run.name == name
