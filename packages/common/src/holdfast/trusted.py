"""Classes that a file may name: a fixed table, and those the user names. A file imports nothing."""

import importlib
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

from holdfast.errors import ConfigError

K = TypeVar("K")


def class_paths(kind: type) -> list[str]:
    """Return ``module.Class`` for the class's own module and every package that shows it.

    A file names a class as it was imported, which may be by its package.
    """
    parts = kind.__module__.split(".")
    homes = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return [
        f"{home}.{kind.__qualname__}"
        for home in homes
        if home == kind.__module__ or getattr(sys.modules.get(home), kind.__name__, None) is kind
    ]


def known_classes(ours: Iterable[type[K]], others: Iterable[type[K]] = ()) -> dict[str, type[K]]:
    """Return the classes that a file may name, by every path that they have.

    Args:
        ours: the fixed table.
        others: what the user gives.
    """
    return {path: kind for kind in [*others, *ours] for path in class_paths(kind)}


def unknown_class(part: str, path: object, give: str) -> str:
    """Return the words about a class that is in no table, without a full stop.

    Args:
        part: what the file says the class is, such as ``its backbone``.
        path: as the file has it.
        give: how the user names the class, such as ``--backbone module.Class``.
    """
    return (
        f"{part} {str(path)[:200]} is none of ours, and nothing that a file names is imported. If "
        f"you trust that class, give it yourself: {give}"
    )


def import_class(name: str, bases: Sequence[type[K]], *, option: str, must_be: str) -> type[K]:
    """Import a class that the user names.

    Args:
        name: ``module.Class``.
        bases: it is derived from one of them.
        option: of the command line, for the message.
        must_be: what it has to be, and of which class to derive it, for the message.

    Raises:
        ConfigError: there is no such class, or it is of another kind.
    """
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"There is no class {name} ({error}): give {option} module.Class."
        ) from error
    if not (isinstance(found, type) and issubclass(found, tuple(bases))):
        raise ConfigError(f"{name} is {must_be}.")
    return cast(type[K], found)
