"""README's blocks run as printed, from a folder that holds nothing but a user's own files."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY, make_pictures
from dropout_ft.app import APP as DROPOUT_FT
from holdfast.cli.app import LIGHTNING_COMMANDS, App
from holdfast.cli.outline import outline
from readme_support import blocks, command_lines, readme, shortened
from vl_track.app import APP as VL_TRACK
from vl_track.data.clips import pip_clip

APPS = {app.name: app for app in (DROPOUT_FT, VL_TRACK)}
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
OPEN = ("--model.", "--data.", "--trainer.", "--run.", "--options.", "--loss_weights.")


def run(words: list[str], folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        words, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, f"{words[-1]}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def run_block(language: str, text: str, folder: Path) -> None:
    if language == "python":
        run([sys.executable, "-c", text], folder)
    else:
        lines = "\n".join(map(shortened, command_lines(text)))
        run(["bash", "-euo", "pipefail", "-c", lines], folder)


def give_files(folder: Path) -> None:
    """The files that README's reader has: a clip, pictures in domains, new pictures."""
    shutil.copy(pip_clip("bigbuckbunny.mp4"), folder / "clip.mp4")
    make_pictures(folder / "pictures", domains=("site_a", "site_b", "site_c"), size=64)
    shutil.copytree(folder / "pictures/site_b/red", folder / "new_pictures")


def test_every_block_says_whether_it_runs() -> None:
    languages = {block.language for block in blocks(readme())}
    assert languages == {"bash", "python", "console"}
    shown = "".join(block.text for block in blocks(readme()) if block.language == "console")
    for line in command_lines(shown):
        # Installing, a window or page, what npm fetches (test_web.py), and data that nobody has by
        # chance: all else must run.
        assert re.match(r"make |source |vl-track demo|dropout-ft (sweep|report) ", line) or (
            re.search(r"--show|--formats web|lasot", line)
        ), line


def test_the_head_alone_as_printed(tmp_path: Path) -> None:
    (block,) = (block for block in blocks(readme()) if "VeryLargeDropoutHead" in block.text)
    run_block(block.language, block.text, tmp_path)


def test_long_commands_are_made_short_and_others_stay() -> None:
    assert shortened("dropout-ft verify x") == "dropout-ft verify x"
    assert shortened("vl-track track a.mp4").endswith("--max_frames 4")
    assert command_lines("a \\\n   b  # c\n# d\n") == ["a b"]


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no-such-command"):
        run_block("bash", "true\nno-such-command\n", tmp_path)


@pytest.mark.slow
def test_following_something_as_printed(tmp_path: Path) -> None:
    """README's Python lines ended in an error: the model did not know the only word, "cup"."""
    give_files(tmp_path)
    for block in blocks(readme()):
        if block.section == "Follow something" and block.language != "console":
            run_block(block.language, block.text, tmp_path)
    assert (tmp_path / "seen.mp4").stat().st_size > 0
    assert len((tmp_path / "boxes.csv").read_text().splitlines()) == 5


@pytest.mark.slow
@pytest.mark.nightly
def test_every_block_as_printed_in_order(tmp_path: Path) -> None:
    give_files(tmp_path)
    for block in blocks(readme()):
        if block.language != "console":
            run_block(block.language, block.text, tmp_path)
    for left in ("seen.mp4", "advice/model/README.md", "answers.csv", "exported/config.json"):
        assert (tmp_path / left).exists(), left


def known_options(app: App, name: str) -> set[str] | None:
    """Return the options of a command, with hyphens as underscores; None: any are taken."""
    if name in app.commands:
        found = outline(app.commands[name].target)
        return (
            None if found is None else {option.name.replace("-", "_") for option in found.options}
        )
    return {"config", "data", "model", "seed_everything", "ckpt_path", "print_config", "trainer"}


def printed_commands() -> list[tuple[str, str]]:
    """Every line of a fenced block of the documents that starts one of our commands."""
    return [
        (document.relative_to(REPOSITORY).as_posix(), line)
        for document in DOCUMENTS
        for block in blocks(document.read_text())
        for line in command_lines(block.text)
        if line.split()[0] in APPS and len(line.split()) > 1
    ]


def test_every_printed_command_and_option_exists() -> None:
    """A document that names an option which is gone sends its reader into an error."""
    printed = printed_commands()
    assert len(printed) > 60
    for document, line in printed:
        program, name, *rest = shlex.split(line.replace("...", "x"))
        app = APPS[program]
        if name.startswith("-") or name == "COMMAND":
            continue
        assert name in {**LIGHTNING_COMMANDS, **app.commands}, f"{document}: {line}"
        known = known_options(app, name)
        for word in rest:
            option = word[2:].partition("=")[0].removesuffix("+").replace("-", "_")
            if not word.startswith("--") or word.startswith(OPEN) or known is None:
                continue
            assert option in known | {"config", "help"}, f"{document}: {line}: {word}"
