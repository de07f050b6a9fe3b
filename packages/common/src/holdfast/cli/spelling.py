"""Command lines as people write them: ``--flag`` alone, and ``--names a b c``."""

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from holdfast.cli.names import parse_names

BOOLEANS = {"true", "false", "yes", "no"}
Function = TypeVar("Function", bound=Callable[..., Any])


def repeatable(*names: str) -> Callable[[Function], Function]:
    """Mark list options of a command that take one value each time they are given.

    ``--box 1,2,3,4 --box -5,6,7,8`` makes a list of two, whatever the values begin with.
    """

    def mark(function: Function) -> Function:
        function.__dict__["repeatable"] = frozenset(names)
        return function

    return mark


def spell_out(function: Callable[..., Any], words: Sequence[str]) -> list[str]:
    """Return the words as jsonargparse reads them.

    A boolean option without a value is true; the words after an option that takes a list, or in the
    place of a parameter that does, up to the next option, are its items; items of a list of text
    are text, also in brackets (``[2019,010,no]``); words behind the required ones fill the
    function's optional positional parameters in order. Everything else stays.

    Args:
        function: the command; its signature says which options are which.
        words: of the command line.
    """
    flags, lists, texts = _options(function)
    required, optional = _positional(function)
    spelled: list[str] = []
    rest, repeated = _collect_repeated(function, words)
    while rest:
        word = _known_spelling(rest.pop(0), function)
        option, equals, value = word.partition("=")
        name = option.removeprefix("--")
        if name == option:
            if required and required[0] in lists:
                spelled.append(_list(word, rest, as_text=required[0] in texts))
            elif required or not optional:
                spelled.append(word)
            else:
                spelled += [f"--{optional.pop(0)}", word]
            required = required[1:]
        elif equals:
            spelled.append(f"{option}={_list(value, [], as_text=True)}" if name in texts else word)
        elif name in flags:
            given = rest and rest[0].lower() in BOOLEANS
            spelled += [word, rest.pop(0) if given else "true"]
        elif name in lists and rest:
            spelled += [word, _list(rest.pop(0), rest, as_text=name in texts)]
        else:
            spelled += [word, *([rest.pop(0)] if rest else [])]
    return spelled + repeated


def _collect_repeated(
    function: Callable[..., Any], words: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the words without repeatable options, and those options as lists."""
    names = getattr(function, "repeatable", frozenset())
    rest, found, left = [], dict[str, list[str]](), list(words)
    while left:
        word = left.pop(0)
        option, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and option in names and (equals or left):
            found.setdefault(option, []).append(value if equals else left.pop(0))
        else:
            rest.append(word)
    lists = [
        part
        for name, items in found.items()
        for part in (f"--{name}", json.dumps(items, ensure_ascii=False))
    ]
    return rest, lists


def _list(first: str, rest: list[str], *, as_text: bool) -> str:
    """Return a list's items as JSON: those in brackets, or all words up to the next option."""
    if not first.startswith("["):
        return json.dumps([first, *_until_option(rest)], ensure_ascii=False)
    return json.dumps(parse_names(first), ensure_ascii=False) if as_text else first


def _known_spelling(word: str, function: Callable[..., Any]) -> str:
    """Return ``--dry_run`` for ``--dry-run`` where the function has such a parameter."""
    option, equals, value = word.partition("=")
    plain = option.removeprefix("--").replace("-", "_")
    known = option.startswith("--") and plain in inspect.signature(function).parameters
    return f"--{plain}{equals}{value}" if known else word


def _until_option(rest: list[str]) -> list[str]:
    items = []
    while rest and not rest[0].startswith("--"):
        items.append(rest.pop(0))
    return items


def _positional(function: Callable[..., Any]) -> tuple[list[str], list[str]]:
    """Return the names of the parameters that must be given by place, and of those that may."""
    places = [
        one
        for one in inspect.signature(function).parameters.values()
        if one.kind is one.POSITIONAL_OR_KEYWORD
    ]
    optional = [one.name for one in places if one.default is not one.empty]
    return [one.name for one in places if one.default is one.empty], optional


def _options(function: Callable[..., Any]) -> tuple[set[str], set[str], set[str]]:
    """Return the names of booleans, of lists, and of those lists whose items are text."""
    flags, lists, texts = set(), set(), set()
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        for kind in _alternatives(parameter.annotation):
            if kind is bool:
                flags.add(name)
            elif typing.get_origin(kind) is list:
                lists.add(name)
                if typing.get_args(kind) == (str,):
                    texts.add(name)
            elif dataclasses.is_dataclass(kind):
                hints = typing.get_type_hints(kind)
                flags |= {f"{name}.{key}" for key, hint in hints.items() if hint is bool}
    return flags, lists, texts


def _alternatives(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401  (any annotation)
    union = typing.get_origin(annotation) in {typing.Union, types.UnionType}
    return typing.get_args(annotation) if union else (annotation,)
