"""Names that a package offers without importing what they need before they are used."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(package: str, table: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` that imports names when they are first asked for.

    Args:
        package: the module's ``__name__``.
        table: for each name the module that defines it.

    Examples:
        >>> __getattr__ = lazy_names("dropout_ft", {"Classifier": "dropout_ft.nn.classifier"})
    """

    def find(name: str) -> Any:  # noqa: ANN401  (whatever the name stands for)
        if name not in table:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        found = getattr(importlib.import_module(table[name]), name)
        setattr(sys.modules[package], name, found)  # the next time it is simply there
        return found

    return find
