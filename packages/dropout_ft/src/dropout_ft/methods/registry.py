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
    return dict(sorted(REGISTERED.items(), key=lambda item: item[1].order))


def chosen_methods(names: Sequence[str]) -> list[Method]:
    """Return the methods that cost nothing, and those that were asked for.

    Args:
        names: of methods; ``all`` is every one.

    Raises:
        ConfigError: there is no such method.
    """
    known = all_methods()
    for name in names:
        if name != "all" and name not in known:
            near = hint(nearest_key(name, list(known)))
            raise ConfigError(f"There is no method '{name}': choose from {', '.join(known)}.{near}")
    everything = "all" in names
    return [m for m in known.values() if everything or not m.asked or m.name in names]
