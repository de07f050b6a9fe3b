"""Help, errors and completion of every command: quick, alike, and without PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dropout_ft.app import APP as DROPOUT_FT
from holdfast.cli.app import LIGHTNING_COMMANDS, App
from holdfast.cli.outline import outline
from holdfast.cli.pages import SHELLS
from holdfast.cli.recipes import find_recipe, recipe_names, resolve_words
from holdfast.errors import ConfigError
from vl_track.app import APP as VL_TRACK

APPS = [DROPOUT_FT, VL_TRACK]
COMMANDS = [(app, name) for app in APPS for name in {**LIGHTNING_COMMANDS, **app.commands}]
HEAVY = ("torch", "pytorch_lightning", "timm", "torchvision", "matplotlib", "cv2", "transformers")
# Runs a command line as the console script does; then what it cost.
MEASURED = """
import json, sys, time
from {package}.app import APP
status = APP.main(sys.argv[1:])
heavy = [name for name in {heavy} if name in sys.modules]
print(json.dumps([status, heavy, time.process_time()]), file=sys.stderr)
"""
QUICK_SECONDS = 2.5  # a second on an idle machine


def measured(package: str, *words: str) -> tuple[int, list[str], float, str, str]:
    """Return status, heavy modules, seconds of processor time, and both outputs."""
    code = MEASURED.format(package=package, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    *said, last = done.stderr.strip().splitlines()
    status, heavy, seconds = json.loads(last)
    return status, heavy, seconds, done.stdout, "\n".join(said)


@pytest.mark.parametrize(("app", "name"), COMMANDS, ids=lambda v: getattr(v, "name", v))
def test_every_page_says_what_it_does_and_shows_an_example(
    app: App, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main([name, "--help"]) == 0
    text = capsys.readouterr().out
    first, *rest = text.split("\n\n")
    assert first[0].isupper()
    assert first.rstrip().endswith(".")
    assert rest
    assert f"usage: {app.name} {name}" in text
    assert f"example:\n  {app.name} {name}" in text
    assert "``" not in text


@pytest.mark.parametrize(("app", "name"), COMMANDS, ids=lambda v: getattr(v, "name", v))
def test_examples_have_options_that_exist(app: App, name: str) -> None:
    if name not in app.commands or not app.commands[name].example:
        pytest.skip("Lightning's, or no example")
    found = outline(app.commands[name].target)
    assert found is not None
    known = {option.name for option in found.options}
    words = app.commands[name].example.split()[2:]
    assert {word[2:] for word in words if word.startswith("--")} <= known
    needed = {o.name for o in found.options if o.required and not o.by_place}
    assert needed <= {word[2:] for word in words if word.startswith("--")}


@pytest.mark.parametrize(
    ("package", "words", "status"),
    [
        ("dropout_ft", ["--help"], 0),
        ("dropout_ft", ["--version"], 0),
        ("dropout_ft", ["fit", "--help"], 0),
        ("dropout_ft", ["advise", "--help"], 0),
        ("vl_track", ["track", "--help"], 0),
        ("vl_track", ["fit", "--help"], 0),
        ("dropout_ft", ["verify", "nothere"], 1),
        ("dropout_ft", ["predict", "nothere", "--ckpt", "nothere"], 1),
        ("dropout_ft", ["export", "--ckpt", "nothere", "--out", "x"], 1),
        ("dropout_ft", ["data", "verify", "PASC"], 1),
        ("dropout_ft", ["advise", "nothere"], 1),
        ("dropout_ft", ["report", "nothere"], 1),
        ("dropout_ft", ["sweep", "nothere.yaml"], 1),
        ("dropout_ft", ["compare", "--fit", "nothere.yaml", "--domains", "a"], 1),
        ("dropout_ft", ["combine", "nothere"], 1),
        ("dropout_ft", ["domainbed-tables", "nothere"], 1),
        ("dropout_ft", ["data", "list"], 0),
        ("dropout_ft", ["fti"], 2),
        ("dropout_ft", ["verify", "x", "--imges", "true"], 2),
        ("dropout_ft", ["advise", "x", "--ouut", "y"], 2),
        ("vl_track", ["track", "x.mp4", "--txt", "a cup"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_trains_nothing_answers_at_once(package: str, words: list[str], status: int) -> None:
    """Was: seven seconds for `verify nothere`, for a typo and for every page."""
    found, heavy, seconds, out, said = measured(package, *words)
    assert found == status
    assert heavy == []
    assert seconds < QUICK_SECONDS
    program = package.replace("_", "-")
    if status:
        assert said.startswith(f"{program}: error: ")
        assert len(said.splitlines()) == 1
    else:
        assert out


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["fti"], "Did you mean 'fit'?"),
        (["verify", "x", "--imges"], "Did you mean '--images'?"),
        (["compare", "--rates", "[0]"], "Did you mean '--dropout_rates'?"),
        (["data", "verify", "PASC"], "Did you mean 'PACS'?"),
        (["fit", "--config", "dropout_ft:tinny"], "Did you mean 'dropout_ft:tiny'?"),
        (["export"], "dropout-ft export needs --ckpt and --out"),
        (["verify"], "dropout-ft verify needs ROOT"),
    ],
)  # fmt: skip
def test_what_was_meant(words: list[str], wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert DROPOUT_FT.main(words) in {1, 2}
    assert wanted in capsys.readouterr().err


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_the_outline_is_what_the_parser_takes(app: App) -> None:
    """The pages read source text; the functions themselves must have the same parameters."""
    import inspect

    for command in app.commands.values():
        found = outline(command.target)
        assert found is not None
        names = {option.name.split(".")[0] for option in found.options}
        assert names == set(inspect.signature(command.load()).parameters)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_commands_and_options(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("shtab")
    assert DROPOUT_FT.main(["--print_completion", shell]) == 0
    script = capsys.readouterr().out
    assert "domainbed-tables" in script
    assert "all_classes" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_completion_of_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert DROPOUT_FT.main(["--print_completion", "fish"]) == 2
    assert "bash, zsh, tcsh" in capsys.readouterr().err


def test_recipes_have_names() -> None:
    names = recipe_names()
    assert {"dropout_ft:paper_resnet50", "vl_track:data/lasot", "methods:sma"} <= set(names)
    for name in names:
        path = find_recipe(name)
        assert path is not None
        assert path.is_file()


@pytest.mark.parametrize("text", ["own.yaml", "camera:1", "a:b", "data: x", "/x/dropout_ft:tiny"])
def test_other_words_are_no_recipes(text: str) -> None:
    assert find_recipe(text) is None


@pytest.mark.parametrize("text", ["dropout_ft:nothing", "dropout_ft:../../etc/passwd"])
def test_recipes_that_do_not_exist(text: str) -> None:
    with pytest.raises(ConfigError, match="no recipe"):
        find_recipe(text)


def test_recipes_are_found_where_files_are_meant() -> None:
    path = str(find_recipe("methods:sma"))
    assert resolve_words(["--config", "methods:sma", "--config=methods:sma", "methods:sma"]) == [
        "--config", path, f"--config={path}", path,
    ]  # fmt: skip
    assert resolve_words(["--fit", '["methods:sma", "own.yaml"]'])[1] == json.dumps(
        [path, "own.yaml"]
    )
    titles = ["--title", "data:big", "--note=methods:none"]
    assert resolve_words(titles) == titles


def test_a_file_of_that_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "methods:sma").touch()
    assert find_recipe("methods:sma") is None
