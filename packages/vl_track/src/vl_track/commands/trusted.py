"""Classes of the user's own, which are imported because the user names them."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdfast.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn


def own_classes(names: Sequence[str]) -> list[type["nn.Module"]]:
    """Import the heads, text encoders and backbones that a user names on the command line.

    Args:
        names: each ``module.Class``.

    Raises:
        ConfigError: there is no such class, or it is no part of a network.
    """
    return [_own_class(name) for name in names]


def _own_class(name: str) -> type["nn.Module"]:
    from vl_track.nn.known import PARTS  # noqa: PLC0415  (torch comes with it)

    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"There is no class {name} ({error}): give --classes module.Class."
        ) from error
    bases = tuple(base for base, _ in PARTS.values())
    if not (isinstance(found, type) and issubclass(found, bases)):
        raise ConfigError(
            f"{name} is no part of a network: derive it from vl_track.nn.heads.Head, "
            "vl_track.nn.text.TextEncoder or vl_track.nn.JointTransformer."
        )
    return found
