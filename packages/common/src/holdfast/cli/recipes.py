"""Recipes by name: ``dropout_ft:paper_resnet50`` is a file of ``configs/`` wherever it lies.

In the repository that is ``configs/dropout_ft/paper_resnet50.yaml``; in an installed wheel the
copy of ``configs/`` that was taken along when the wheel was built.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import holdfast
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError

ROOMS = ("dropout_ft", "vl_track", "methods", "hardware", "logger", "model", "data", "sweeps")
"""Folders of ``configs/`` that a recipe's name may begin with."""
FILE_OPTIONS = frozenset({"config", "data", "model", "backbone", "fit"})
"""The last parts of options whose values may be recipes."""
_NAMED = re.compile(rf"({'|'.join(ROOMS)}):([\w/.-]+)")


def recipes_root() -> Path | None:
    """Return the folder ``configs`` of the repository or of the installed package."""
    package = Path(holdfast.__file__).parent
    for place in (package / "configs", *(parent / "configs" for parent in package.parents[:5])):
        if (place / "dropout_ft").is_dir() and (place / "hardware").is_dir():
            return place
    return None


def find_recipe(text: str) -> Path | None:
    """Return the file that a recipe's name stands for, or None if the text is no such name.

    Args:
        text: for example ``dropout_ft:paper_resnet50``, ``vl_track:data/lasot``, ``methods:sma``.

    Raises:
        ConfigError: the name begins like a recipe's, but there is no such recipe.
    """
    named = _NAMED.fullmatch(text)
    if named is None or Path(text).exists():
        return None
    root = recipes_root()
    if root is None:
        raise ConfigError(
            f"The recipe '{text}' cannot be found: this installation has no folder configs. "
            "Install holdfast-common from its wheel, or name a file."
        )
    room, name = named.groups()
    path = root / room / f"{name.removesuffix('.yaml')}.yaml"
    if ".." in name.split("/") or not path.is_file():
        near = hint(nearest_key(f"{room}:{name}", recipe_names()))
        raise ConfigError(f"There is no recipe '{text}'.{near} The recipes are in {root}.")
    return path


def recipe_names() -> list[str]:
    """Return the name of every recipe, sorted."""
    root = recipes_root()
    if root is None:
        return []
    return sorted(
        f"{room}:{path.relative_to(root / room).with_suffix('').as_posix()}"
        for room in ROOMS
        for path in (root / room).rglob("*.yaml")
    )


def resolve_words(words: Sequence[str]) -> list[str]:
    """Return a command line with recipes' names replaced by their files.

    Only values of options that take files, and words without an option, are looked at.
    """
    resolved: list[str] = []
    option = ""
    for word in words:
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            resolved.append(_file(word) if not option or _takes_files(option) else word)
        elif equals and _takes_files(name):
            resolved.append(f"{name}={_file(value)}")
        else:
            resolved.append(word)
        option = name if word.startswith("--") and not equals else ""
    return resolved


def _takes_files(option: str) -> bool:
    return option.removeprefix("--").rsplit(".", 1)[-1] in FILE_OPTIONS


def _file(value: str) -> str:
    """Return a recipe's file, or a JSON list of files for a JSON list of recipes."""
    if value.startswith('["'):
        try:
            return json.dumps([str(find_recipe(one) or one) for one in json.loads(value)])
        except (ValueError, TypeError):
            return value
    return str(find_recipe(value) or value)
