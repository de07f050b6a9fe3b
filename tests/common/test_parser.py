"""Messages about unknown keys are short and name the nearest known key."""

import pytest

from holdfast.cli.parser import SuggestingParser, parameters_of
from holdfast.cli.suggestions import nearest_key


def build() -> SuggestingParser:
    parser = SuggestingParser()
    parser.add_argument("--model.dropout_rate", type=float, default=0.9)
    parser.add_argument("--trainer.max_steps", type=int, default=1)
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


def test_unknown_argument_ends_with_status_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        build().parse_args(["--model.dropout_rte", "0.5"])
    assert raised.value.code == 2
    error = capsys.readouterr().err
    assert "model.dropout_rate" in error
    assert "usage" not in error.lower(), "one sentence, not the whole list of options"


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
