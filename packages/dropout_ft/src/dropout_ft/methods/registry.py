"""All methods, found in the files of this package; a new file is enough to add one."""

import importlib
import pkgutil
from collections.abc import Sequence

import dropout_ft.methods
from dropout_ft.methods.base import REGISTERED, Method
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError


def all_methods() -> dict[str, Method]:
    """Return every method by its name, in the order of tables."""
    for module in pkgutil.iter_modules(dropout_ft.methods.__path__):
        importlib.import_module(f"dropout_ft.methods.{module.name}")
    return dict(sorted(REGISTERED.items(), key=lambda item: (item[1].order, item[0])))


def chosen_methods(names: Sequence[str]) -> list[Method]:
    """Return the methods that cost nothing, and those that were asked for.

    Args:
        names: of methods; ``all`` is every one; ``module:Class`` is one of the user's own.

    Raises:
        ConfigError: there is no such method.
    """
    own = [_imported(name) for name in names if ":" in name]
    known = all_methods()
    names = [*(name for name in names if ":" not in name), *own]
    for name in names:
        if name != "all" and name not in known:
            near = hint(nearest_key(name, list(known)))
            raise ConfigError(f"There is no method '{name}': choose from {', '.join(known)}.{near}")
    everything = "all" in names
    return [m for m in known.values() if everything or not m.asked or m.name in names]


def _imported(text: str) -> str:
    """Import a method of the user's own and return its name.

    Raises:
        ConfigError: there is no such module or class, or it is no registered method.
    """
    module, _, name = text.partition(":")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"The method '{text}' cannot be imported: {error}.") from error
    found = [one.name for one in REGISTERED.values() if type(one) is kind]
    if not found:
        raise ConfigError(f"{text} is no method: decorate a subclass of Method with @method.")
    return found[0]
