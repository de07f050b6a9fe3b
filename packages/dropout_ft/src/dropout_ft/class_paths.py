"""The names under which a file may speak of a class that the user trusts."""

import sys


def class_paths(kind: type) -> list[str]:
    """Return ``module.Class`` for the class's own module and every package that shows it.

    A run's files name a class as it was imported, which may be by its package.
    """
    parts = kind.__module__.split(".")
    homes = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return [
        f"{home}.{kind.__qualname__}"
        for home in homes
        if home == kind.__module__ or getattr(sys.modules.get(home), kind.__name__, None) is kind
    ]
