"""Write docs/commands/ from the help of the commands, so that a search finds each option.

Usage: python tools/command_pages.py [--check]; `--check` only says which pages are not current.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from dropout_ft.app import APP as DROPOUT_FT
from holdfast.cli.app import LIGHTNING_COMMANDS, App
from holdfast.doctor.command import USAGE
from vl_track.app import APP as VL_TRACK

FOLDER = Path(__file__).resolve().parents[1] / "docs/commands"
NOTE = "<!-- Written by tools/command_pages.py from the commands' own help: do not edit. -->"
LIGHTNING_PAGE = "fit"
"""`validate`, `test` and `predict` of Lightning take the options of `fit`."""


def documents() -> dict[str, str]:
    """Return the text of every page of docs/commands."""
    return {
        "dropout_ft.md": page_of(DROPOUT_FT),
        "vl_track.md": page_of(VL_TRACK),
        "holdfast.md": page_of_holdfast(),
    }


def page_of(app: App) -> str:
    """Return the page of one console command."""
    helps = {**LIGHTNING_COMMANDS, **{name: one.help for name, one in app.commands.items()}}
    listed = [f"| [`{name}`](#{name}) | {escaped(text)} |" for name, text in helps.items()]
    parts = [
        NOTE,
        f"# `{app.name}`",
        f"{app.summary[:1].upper()}{app.summary[1:]}.",
        f"```\n{app.name} COMMAND [--config FILE]... [--key value]...\n```",
        "\n".join(["| command | what it does |", "|---|---|", *listed]),
        "Underscores and hyphens are the same in an option's name. "
        f"`{app.name} COMMAND --help` prints what stands here.",
        *(section for name in helps for section in sections(app, name)),
    ]
    return "\n\n".join(parts) + "\n"


def page_of_holdfast() -> str:
    """Return the page of `holdfast`, which has one command."""
    return f"{NOTE}\n\n# `holdfast`\n\n```text\n{USAGE}```\n"


def sections(app: App, name: str) -> Iterator[str]:
    """Yield the heading, sentence, example and options of one command."""
    yield f"## {name}"
    if name in LIGHTNING_COMMANDS and name not in app.commands and name != LIGHTNING_PAGE:
        text = LIGHTNING_COMMANDS[name]
        yield f"{text[:1].upper()}{text[1:]}. It takes the options of [`fit`](#{LIGHTNING_PAGE})."
        return
    page = app.page(name)
    assert page is not None, f"{app.name} {name} has no source to read"
    yield page.summary.replace("``", "`")  # type: ignore[attr-defined]
    if page.example:  # type: ignore[attr-defined]
        yield f"```\n{page.example}\n```"  # type: ignore[attr-defined]
    yield from (option(action) for action in page._actions if "-h" not in action.option_strings)


def option(action: argparse.Action) -> str:
    """Return the heading, which a search finds first, and the text of one option."""
    name = action.option_strings[-1] if action.option_strings else action.metavar or action.dest
    needed = "Required. " if action.option_strings and action.required else ""
    text = " ".join((action.help or "").replace("%%", "%").split())
    shown = f"{name} {value_of(action)}" if action.option_strings else value_of(action)
    return f"### `{name}`\n\n`{shown.strip()}`: {needed}{escaped(text)}"


def value_of(action: argparse.Action) -> str:
    """Return how the help page writes an option's value."""
    if action.choices:
        value = ",".join(map(str, action.choices))
        value = f"{{{value}}}"
    elif action.nargs == 0:
        value = ""
    else:
        value = str(action.metavar or action.dest.upper())
    return f"{value} ..." if action.nargs == "+" else value


def escaped(text: str) -> str:
    """Return a text as the cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Write the pages, or say which are not current."""
    old = {
        name: text
        for name, text in documents().items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text() != text
    }
    if "--check" in sys.argv[1:]:
        print(
            "".join(
                f"docs/commands/{name} is not current: python tools/command_pages.py\n"
                for name in old
            ),
            end="",
        )
        return bool(old)
    FOLDER.mkdir(exist_ok=True)
    for name, text in old.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
