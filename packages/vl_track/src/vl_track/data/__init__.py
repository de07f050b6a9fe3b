"""Data of vl_track; data modules are loaded when asked for, so that scoring needs no torch."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vl_track.data.mixture import Mixture

__all__ = ["Mixture"]
_MODULES = {"Mixture": "vl_track.data.mixture"}


def __getattr__(name: str) -> type:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: type = getattr(importlib.import_module(_MODULES[name]), name)
    return found
