"""Errors of the argument parser, with the nearest key that would have been right."""

import importlib
import inspect
import re
import sys
from typing import Any, NoReturn

from pytorch_lightning.cli import LightningArgumentParser

from holdfast.cli.suggestions import hint, nearest_key

# How jsonargparse 4.4x to 4.5x words an unknown key, of a parser and of a class.
_UNKNOWN_KEY = re.compile(
    r"(?:does not accept option|[Uu]nrecognized arguments?:)\s+['\"]?(?:--)?([\w.\-]+)"
)
_UNKNOWN_OPTION = re.compile(r"Option '([\w.]+)' is not accepted")
_CLASS_PATH = re.compile(r"class_path[ =]'([\w.]+)'")
_PARSER_KEY = re.compile(r'Parser key "([\w.]+)"')


class SuggestingParser(LightningArgumentParser):
    """Lightning's parser; an unknown key is answered with the nearest known one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (argparse's options)
        kwargs.setdefault("allow_abbrev", False)  # a misspelt key must not pass for another
        super().__init__(*args, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print one message, with a suggestion where a key is unknown, and exit with status 2."""
        if not self.exit_on_error:
            super().error(message, ex)
        sys.stderr.write(f"error: {self.explain(message)}\n")
        raise SystemExit(2)

    def explain(self, message: str) -> str:
        """Shorten the message about an unknown key, and name the nearest known one."""
        option = _UNKNOWN_OPTION.search(message)
        classes = _CLASS_PATH.findall(message)
        if option and classes:
            place = _PARSER_KEY.search(message)
            where = f"{place.group(1)}: " if place else ""
            near = nearest_key(option.group(1), parameters_of(classes[-1]))
            return f"{where}{classes[-1]} has no option '{option.group(1)}'.{hint(near)}"
        unknown = _UNKNOWN_KEY.search(message)
        near = nearest_key(unknown.group(1), self.known_keys()) if unknown else None
        return f"{message}{hint(near)}"

    def known_keys(self) -> list[str]:
        """List the dotted keys of this parser and of its subcommands."""
        keys: list[str] = []
        for action in self._actions:
            keys.extend(o.removeprefix("--") for o in action.option_strings if o.startswith("--"))
            if isinstance(action.choices, dict):
                for parser in action.choices.values():
                    if isinstance(parser, SuggestingParser):
                        keys.extend(parser.known_keys())
        return keys


def parameters_of(class_path: str) -> list[str]:
    """Return the parameter names of an importable class; none if it cannot be imported."""
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
        return list(inspect.signature(found).parameters)
    except (ImportError, AttributeError, ValueError, TypeError):
        return []
