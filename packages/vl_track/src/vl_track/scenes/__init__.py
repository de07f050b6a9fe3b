"""Scenes: procedural video with language, exact boxes, and a seed instead of files."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from vl_track.scenes.datamodule import Scenes

__all__ = ["Scenes"]
__getattr__ = lazy_names(__name__, {"Scenes": "vl_track.scenes.datamodule"})
