"""Data of vl_track; data modules are loaded when asked for, so that scoring needs no torch."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vl_track.data.mixture import Mixture
    from vl_track.scenes.datamodule import Scenes

__all__ = ["Mixture", "Scenes"]
_MODULES = {"Mixture": "vl_track.data.mixture", "Scenes": "vl_track.scenes.datamodule"}


def __getattr__(name: str) -> type:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: type = getattr(importlib.import_module(_MODULES[name]), name)
    return found
