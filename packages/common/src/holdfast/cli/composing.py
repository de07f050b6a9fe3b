"""Configuration files that add to one another: callbacks and loggers of each are kept.

Everywhere else a later file wins key by key. A list would replace an earlier list as a whole, so
that a piece with one callback would silently drop the callbacks of the file before it.
"""

import importlib
from typing import Any

from jsonargparse import ActionConfigFile, ArgumentParser, Namespace

ADDED = ("trainer.callbacks", "trainer.logger")
"""Keys whose lists are joined over files."""


class AddingConfig(ActionConfigFile):
    """``--config FILE``, as often as one likes; lists of callbacks and loggers add up."""

    @staticmethod
    def apply_config(parser: ArgumentParser, cfg: Namespace, dest: str, value: str) -> None:
        """Read one more file into the configuration so far."""
        before = {key: cfg.get(key) for key in ADDED}
        ActionConfigFile.apply_config(parser, cfg, dest, value)
        for key, earlier in before.items():
            later = cfg.get(key)
            if later and isinstance(earlier, list) and not isinstance(later, bool):
                cfg[key] = joined(earlier, later if isinstance(later, list) else [later])


def joined(earlier: list[Any], later: list[Any]) -> list[Any]:
    """Return both lists; an item takes the place of an earlier one of the same class.

    Classes that tell their instances apart (``state_key``, as checkpoints with different monitors
    do) are kept beside each other.

    Args:
        earlier: descriptions of objects with ``class_path`` and ``init_args``.
        later: of the file that comes after.
    """
    result = list(earlier)
    free = set(range(len(earlier)))
    for item in later:
        place = next((i for i in sorted(free) if _same_object(result[i], item)), None)
        if place is None:
            result.append(item)
        else:
            free.discard(place)
            result[place] = item
    return result


def _same_object(one: Any, other: Any) -> bool:  # noqa: ANN401  (a description or an object)
    if one == other:
        return True
    path = _class_path(one)
    return path is not None and path == _class_path(other) and not _has_several(path)


def _class_path(item: Any) -> str | None:  # noqa: ANN401
    return item.get("class_path") if isinstance(item, Namespace | dict) else None


def _has_several(class_path: str) -> bool:
    """Tell whether Lightning keeps apart the states of several instances of a callback's class."""
    from pytorch_lightning import Callback  # noqa: PLC0415  (slow to import)

    module, _, name = class_path.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    is_callback = isinstance(found, type) and issubclass(found, Callback)
    return is_callback and found.state_key is not Callback.state_key
