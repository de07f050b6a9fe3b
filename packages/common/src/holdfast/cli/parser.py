"""The parser of our own commands: names as text, and errors that name the nearest key."""

import importlib
import inspect
import re
from collections.abc import Sequence
from typing import Any, NoReturn, get_args

import yaml
from jsonargparse import ArgumentParser, get_loader, set_loader

from holdfast.cli.composing import AddingConfig
from holdfast.cli.names import quote_names, quote_words
from holdfast.cli.recipes import recipe_names, resolve_words
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.cli.yaml_files import check_words
from holdfast.errors import UsageError

MODE = "omegaconf+"
"""How files are read: YAML, with ``${...}`` over all files and flags."""

# How jsonargparse 4.4x to 4.5x words an unknown key, of a parser and of a class.
_UNKNOWN_KEY = re.compile(
    r"(?:does not accept option|[Uu]nrecognized arguments?:)\s+['\"]?(?:--)?([\w.\-]+)"
)
_UNKNOWN_OPTION = re.compile(r"Option '([\w.]+)' is not accepted")
_CLASS_PATH = re.compile(r"class_path[ =]'([\w.]+)'")
_PARSER_KEY = re.compile(r'Parser key "([\w.]+)"')
_WRONG_TYPE = re.compile(r"Expected a <class '(\w+)'>\. Got value: (.*)")
_WRONG_CHOICE = re.compile(r"Expected a typing\.Literal\[([^\]]*)\]\. Got value: (\S+)")
_QUOTED = re.compile(r"'([^']*)'")
_MISSING = re.compile(r"following arguments are required: (.*)")
_NO_CONFIG = re.compile(r"Unable to load config ['\"]([^'\"]*)['\"]")
_NO_FILE = re.compile(r"File does not exist: '(.*)'")


class Suggesting(ArgumentParser):
    """Mixed into a parser: an unknown key is answered with the nearest known one.

    Names stay text, callbacks and loggers of several files add up, recipes may be named as
    ``package:name``, and a broken YAML file is named.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (argparse's options)
        kwargs.setdefault("allow_abbrev", False)  # a misspelt key must not pass for another
        super().__init__(*args, **kwargs)
        self.register("action", "config", AddingConfig)

    def parse_args(  # type: ignore[override]  # argparse's overloads say no more
        self,
        args: Sequence[str] | None = None,
        *rest: Any,  # noqa: ANN401  (argparse's options)
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401  (a jsonargparse Namespace)
        """Parse words, whose names are quoted and whose recipes are found first."""
        if args is not None:
            args = quote_words(resolve_words(args))
            check_words(args)
        self.keep_texts()
        return super().parse_args(args, *rest, **kwargs)

    def keep_texts(self) -> None:
        """Keep the path of a file as it is where a setting may be a text or an object.

        jsonargparse would put the file's content in its place, which is meant for files that
        describe an object: ``--data.source pictures.csv`` is the path of a list.
        """
        for action in self._actions:
            if str in get_args(getattr(action, "_typehint", None)):
                action._enable_path = False  # type: ignore[attr-defined]
            for parser in action.choices.values() if isinstance(action.choices, dict) else ():
                if isinstance(parser, Suggesting):
                    parser.keep_texts()

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise one sentence, with a suggestion where a key is unknown.

        Raises:
            UsageError: always, except inside of a parser that reports to another one.
        """
        if not self.exit_on_error:
            super().error(message, ex)
        raise UsageError(self.explain(message)) from ex

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
        if unknown:
            near = nearest_key(unknown.group(1), self.known_keys())
            return f"there is no option '{unknown.group(1)}'.{hint(near)}"
        return _plainly(" ".join(message.split()))

    def known_keys(self) -> list[str]:
        """List the dotted keys of this parser and of its subcommands."""
        keys: list[str] = []
        for action in self._actions:
            keys.extend(o.removeprefix("--") for o in action.option_strings if o.startswith("--"))
            if isinstance(action.choices, dict):
                for parser in action.choices.values():
                    if isinstance(parser, Suggesting):
                        keys.extend(parser.known_keys())
        return keys


def _plainly(message: str) -> str:
    """Return a message of jsonargparse in plain words."""
    place = _PARSER_KEY.search(message)
    where = f"{place.group(1)}: " if place else ""
    missing = _NO_FILE.search(message)
    if missing:
        return f"{where}there is no file {missing.group(1)}."
    unread = _NO_CONFIG.findall(message)
    if unread:
        near = nearest_key(unread[-1], [name for name in recipe_names() if ":" in name])
        return f"{where}there is no file and no recipe '{unread[-1]}'.{hint(near)}"
    absent = _MISSING.search(message)
    if absent:
        names = [re.sub(r"^(fit|validate|test|predict)\.", "", n) for n in absent[1].split(", ")]
        return f"{' and '.join(names)} must be given: add the option, or a --config that has it."
    choice = _WRONG_CHOICE.search(message)
    if choice and "Union" not in message:
        names = _QUOTED.findall(choice.group(1))
        near = hint(nearest_key(choice.group(2), names))
        return f"{where}must be one of {', '.join(names)}, not '{choice.group(2)}'.{near}"
    wrong = _WRONG_TYPE.search(message)
    if wrong and "Union" not in message:
        kind = {"int": "a whole number", "float": "a number", "bool": "true or false"}
        return f"{where}must be {kind.get(wrong.group(1), wrong.group(1))}, not '{wrong.group(2)}'."
    return message


class SuggestingParser(Suggesting):
    """The parser of a command of ours; imports neither torch nor Lightning."""


def parameters_of(class_path: str) -> list[str]:
    """Return the parameter names of an importable class; none if it cannot be imported."""
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
        return list(inspect.signature(found).parameters)
    except (ImportError, AttributeError, ValueError, TypeError):
        return []


def keep_names_in_files() -> None:
    """Have files of mode ``omegaconf+`` read with names as text, also those that files refer to."""
    ArgumentParser(parser_mode=MODE).parse_string("{}")  # its own loader exists from now on
    plain = get_loader(MODE)
    set_loader(MODE, lambda text: plain(quote_names(text)), (yaml.YAMLError,))


keep_names_in_files()
