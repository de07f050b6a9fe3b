"""The help page of each command, its completion, and the check of its options' names."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from holdfast.cli.outline import Option, Outline, outline
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import MissingToolError, UsageError

SHELLS = ("bash", "zsh", "tcsh")
_ALWAYS = ("help", "config", "print_config")
# The options of Lightning's commands that most people need; `--help_full` lists all.
_LIGHTNING = (
    ("config", "FILE", "YAML file or recipe; may be repeated, later ones win key by key"),
    ("data", "FILE", "YAML of a data set, for example data:folder"),
    ("data.init_args.KEY", "VALUE", "a setting of the data set"),
    ("model", "FILE", "YAML of a model"),
    ("model.KEY", "VALUE", "a setting of the model"),
    ("trainer.max_steps", "N", "optimiser steps"),
    ("trainer.val_check_interval", "N", "steps from one evaluation to the next"),
    ("trainer.accelerator", "NAME", "cpu, gpu, ... (the presets: hardware:cpu, hardware:ddp)"),
    ("trainer.KEY", "VALUE", "a setting of Lightning's Trainer"),
    ("seed_everything", "N", "seed of the run"),
    ("ckpt_path", "FILE", "checkpoint to start from, instead of the run's own"),
    ("print_config", "", "print the configuration that results, and end"),
    ("help_full", "", "list every option (loads PyTorch)"),
)


class _Page(argparse.ArgumentParser):
    """An argparse parser for pages and completion only."""

    def __init__(self, *, prog: str, summary: str, example: str) -> None:
        super().__init__(prog=prog, add_help=False, allow_abbrev=False)
        self.summary, self.example = summary, example
        self.add_argument("-h", "--help", action="store_true", help="show this page")

    def format_help(self) -> str:
        """Return what the command does, an example, and its options."""
        example = f"example:\n  {self.example}\n\n" if self.example else ""
        summary = self.summary.replace("``", "`")
        return f"{summary}\n\n{example}{super().format_help()}"

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def own_page(prog: str, target: str, example: str) -> argparse.ArgumentParser | None:
    """Return the page of one of our own commands; None if its source is not at hand."""
    found = outline(target)
    if found is None:
        return None
    page = _Page(prog=prog, summary=found.summary, example=example)
    required = page.add_argument_group("required options")
    for option in sorted(found.options, key=lambda one: not (one.by_place and one.required)):
        if option.by_place and option.required:
            page.add_argument(option.name, help=_text(option), **_values(option))
        else:
            place = required if option.required else page
            place.add_argument(f"--{option.name}", help=_text(option), **_values(option))
    page.add_argument("--config", metavar="FILE", help="YAML file with values of these options")
    return page


def lightning_page(prog: str, summary: str, example: str) -> argparse.ArgumentParser:
    """Return the short page of one of Lightning's commands."""
    page = _Page(prog=prog, summary=f"{summary[:1].upper()}{summary[1:]}.", example=example)
    for name, metavar, text in _LIGHTNING:
        if metavar:
            page.add_argument(f"--{name}", metavar=metavar, help=text)
        else:
            page.add_argument(f"--{name}", action="store_true", help=text)
    run = outline("holdfast.runs.directory:RunConfig")
    for option in run.options if run else ():
        page.add_argument(f"--run.{option.name}", help=_text(option), **_values(option))
    return page


def check_options(prog: str, found: Outline, words: Sequence[str]) -> None:
    """Refuse unknown options before the command is imported.

    Raises:
        UsageError: names the option, and the nearest known one; or what is missing.
    """
    known = {option.name for option in found.options}
    for word in words:
        if not word.startswith("--") or word == "--":
            continue
        typed = word[2:].partition("=")[0]
        name = typed.removesuffix("+").replace("-", "_")
        groups = {one.split(".")[0] for one in known if "." in one}
        if name not in known | groups | set(_ALWAYS) and typed.removesuffix("+") not in known:
            near = nearest_key(name, sorted(known))
            raise UsageError(
                f"{prog} has no option '--{typed}'.{hint(f'--{near}' if near else None)} "
                f"`{prog} --help` lists them."
            )
    required = [option for option in found.options if option.required]
    if required and not words:
        raise UsageError(f"{prog} needs {_listed(required)}: `{prog} --help` shows an example.")


def completion(prog: str, pages: Mapping[str, argparse.ArgumentParser], shell: str) -> str:
    """Return a script that completes commands and options in a shell.

    Raises:
        UsageError: an unknown shell.
        MissingToolError: shtab is not installed.
    """
    if shell not in SHELLS:
        raise UsageError(f"There is no completion for '{shell}': take one of {', '.join(SHELLS)}.")
    try:
        import shtab  # noqa: PLC0415  (optional)
    except ModuleNotFoundError as error:
        raise MissingToolError("Shell completion needs shtab: `pip install shtab`.") from error
    whole = argparse.ArgumentParser(prog=prog)
    whole.add_argument("--version", action="store_true", help="show the version")
    commands = whole.add_subparsers()
    for name, page in pages.items():
        part = commands.add_parser(name, add_help=False, help=page.format_usage())
        for action in page._actions:
            part._add_action(action)
    return str(shtab.complete(whole, shell=shell))


def show(page: argparse.ArgumentParser) -> None:
    """Print a page."""
    sys.stdout.write(page.format_help())


def _values(option: Option) -> dict[str, object]:
    """Return how argparse shows an option's values."""
    several = option.kind.startswith("list[")
    many: dict[str, object] = {"nargs": "+"} if several else {}
    if option.choices:
        return {**many, "choices": option.choices}
    if option.kind == "bool":
        return {"choices": ("true", "false"), "nargs": "?"}
    if option.by_place and option.required:
        return {**many, "metavar": option.name.upper()}
    kind = option.kind.removesuffix(" | None").removeprefix("list[").removesuffix("]")
    shown = {"int": "N", "float": "X", "str": "TEXT"}.get(kind, "VALUE")
    return {**many, "metavar": shown}


def _text(option: Option) -> str:
    shown = (
        ""
        if option.required or option.default in {"None", "''", "[]"}
        else (f" (default: {option.default})")
    )
    return f"{option.help.rstrip('.')}{shown}".replace("%", "%%").replace("``", "`")


def _listed(required: Sequence[Option]) -> str:
    names = [one.name.upper() if one.by_place else f"--{one.name}" for one in required]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
