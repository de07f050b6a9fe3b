"""Configuration files that add to one another: callbacks and loggers of each are kept.

Everywhere else a later file wins key by key. A list would replace an earlier list as a whole, so
that a piece with one callback would silently drop the callbacks of the file before it.
"""

import importlib
from collections.abc import Sequence
from typing import Any

from jsonargparse import (  # type: ignore[attr-defined]  # it is in __all__
    ActionConfigFile,
    ArgumentParser,
    Namespace,
)

IDENTIFYING = ("monitor", "every_n_train_steps", "every_n_epochs", "train_time_interval")
"""What tells Lightning's EarlyStopping and ModelCheckpoint apart from others of their class."""
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

    Checkpoints and early stoppings with different monitors are kept beside each other, and so are
    the instances of any other class that tells them apart (``state_key``).

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
    if path is None or path != _class_path(other):
        return False
    apart = _told_apart_by(path)
    if apart is None:
        return False
    return all(_argument(one, name) == _argument(other, name) for name in apart)


def _class_path(item: Any) -> str | None:  # noqa: ANN401
    return item.get("class_path") if isinstance(item, Namespace | dict) else None


def _argument(item: Any, name: str) -> Any:  # noqa: ANN401
    return (item.get("init_args") or {}).get(name)


def _told_apart_by(class_path: str) -> Sequence[str] | None:
    """Return the arguments that tell several instances of a callback's class apart.

    None where only the class itself knows; nothing where Lightning takes one instance at most.
    """
    from pytorch_lightning import Callback, callbacks  # noqa: PLC0415  (slow to import)

    module, _, name = class_path.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    if not (isinstance(found, type) and issubclass(found, Callback)):
        return ()
    if found.state_key is Callback.state_key:
        return ()
    known = (callbacks.EarlyStopping.state_key, callbacks.ModelCheckpoint.state_key)
    return IDENTIFYING if found.state_key in known else None
