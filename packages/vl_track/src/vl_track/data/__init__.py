"""Data of vl_track; data modules are loaded when asked for, so that scoring needs no torch."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from vl_track.data.mixture import Mixture

__all__ = ["Mixture"]
__getattr__ = lazy_names(__name__, {"Mixture": "vl_track.data.mixture"})
