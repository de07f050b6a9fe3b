"""The first word of a command line, and the exit status of every way to end."""

from collections.abc import Callable
from types import ModuleType

import pytest

from holdfast.cli.app import App, Command, sentence
from holdfast.errors import DataError


def end_well(name: str = "x") -> None:
    print(f"done {name}")  # noqa: T201


def end_badly() -> None:
    raise DataError("There is no data at /x: check the path.")


def be_interrupted() -> None:
    raise KeyboardInterrupt


def leave(status: int) -> None:
    raise SystemExit(status)


def have_a_bug() -> None:
    raise ZeroDivisionError


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    """A track whose commands end in every possible way."""
    module = ModuleType("ending")
    endings: list[Callable[..., None]] = [end_well, end_badly, be_interrupted, leave, have_a_bug]
    for function in endings:
        setattr(module, function.__name__, function)
    monkeypatch.setitem(__import__("sys").modules, "ending", module)
    commands = {
        function.__name__: Command(target=f"ending:{function.__name__}", help="an ending")
        for function in endings
    }
    return App(name="t", summary="s", model="x:y", datamodule="x:y", commands=commands)


def test_success(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["end_well", "--name", "well"]) == 0
    assert capsys.readouterr().out == "done well\n"


def test_errors_of_ours_are_one_line(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["end_badly"]) == 1
    assert capsys.readouterr().err == "t: error: There is no data at /x: check the path.\n"


def test_interruption_has_the_customary_status(app: App) -> None:
    assert app.main(["be_interrupted"]) == 130


@pytest.mark.parametrize("status", ["0", "3"])
def test_other_exits_keep_their_status(app: App, status: str) -> None:
    assert app.main(["leave", status]) == int(status)


def test_bugs_are_not_hidden(app: App) -> None:
    with pytest.raises(ZeroDivisionError):
        app.main(["have_a_bug"])


def test_misspelt_option_of_an_own_command(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["end_well", "--nam", "x"]) == 2
    assert "name" in capsys.readouterr().err


def test_overview_lists_lightnings_and_own_commands(app: App) -> None:
    text = app.overview()
    for name in ("fit", "validate", "test", "predict", "end_well", "leave"):
        assert f"  {name}" in text


def test_own_command_replaces_lightnings() -> None:
    own = Command(target="ending:end_well", help="our own prediction")
    app = App(name="t", summary="s", model="x:y", datamodule="x:y", commands={"predict": own})
    assert "our own prediction" in app.overview()
    assert "write predictions" not in app.overview()


def test_worker_tracebacks_are_reduced_to_the_sentence() -> None:
    wrapped = DataError(
        "Caught DataError in DataLoader worker process 0.\nOriginal Traceback (most recent call "
        "last):\n  File x\nholdfast.errors.DataError: The picture a.png cannot be read: "
        "replace it.\n"
    )
    assert sentence(wrapped) == "The picture a.png cannot be read: replace it."
