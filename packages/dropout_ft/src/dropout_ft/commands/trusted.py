"""What the user names on the command line: models, and backbone classes of their own."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from dropout_ft.nn.backbones.base import Backbone


def check_models(*paths: str) -> None:
    """Refuse a checkpoint or model folder that is not there, before PyTorch is imported.

    Raises:
        CheckpointError: names it.
    """
    for path in paths:
        if not Path(path).expanduser().exists():
            raise CheckpointError(
                f"There is no checkpoint at {path}: check the path, or train first with `fit`."
            )


def own_backbones(name: str | None) -> list[type["Backbone"]]:
    """Import the backbone class that a user names on the command line.

    Args:
        name: ``module.Class``; None for none.

    Raises:
        ConfigError: there is no such class, or it is no backbone.
    """
    if name is None:
        return []
    from dropout_ft.nn.backbones.base import Backbone

    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"There is no class {name} ({error}): give --backbone module.Class."
        ) from (error)
    if not (isinstance(found, type) and issubclass(found, Backbone)):
        raise ConfigError(
            f"{name} is no backbone: derive it from dropout_ft.nn.backbones.Backbone."
        )
    return [found]
