"""Command lines as people write them: ``--flag`` alone, and ``--names a b c``."""

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

BOOLEANS = {"true", "false", "yes", "no"}


def spell_out(function: Callable[..., Any], words: Sequence[str]) -> list[str]:
    """Return the words as jsonargparse reads them.

    A boolean option without a value is true; the words after an option that takes a list, up to the
    next option, are its items. Everything else stays.

    Args:
        function: the command; its annotations say which options are which.
        words: of the command line.
    """
    flags, lists = _options(function)
    spelled: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        spelled.append(word)
        name = word.removeprefix("--")
        if name == word:
            continue
        if name in flags and (not rest or rest[0].lower() not in BOOLEANS):
            spelled.append("true")
        elif name in lists and rest and not rest[0].startswith("["):
            items = []
            while rest and not rest[0].startswith("--"):
                items.append(rest.pop(0))
            spelled.append(json.dumps(items))
    return spelled


def _options(function: Callable[..., Any]) -> tuple[set[str], set[str]]:
    flags, lists = set(), set()
    for name, parameter in inspect.signature(function, eval_str=True).parameters.items():
        for kind in _alternatives(parameter.annotation):
            if kind is bool:
                flags.add(name)
            elif typing.get_origin(kind) is list:
                lists.add(name)
            elif dataclasses.is_dataclass(kind):
                hints = typing.get_type_hints(kind)
                flags |= {f"{name}.{key}" for key, hint in hints.items() if hint is bool}
    return flags, lists


def _alternatives(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401  (any annotation)
    union = typing.get_origin(annotation) in {typing.Union, types.UnionType}
    return typing.get_args(annotation) if union else (annotation,)
