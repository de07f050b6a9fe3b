"""Scenes: procedural video with language, exact boxes, and a seed instead of files."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vl_track.scenes.datamodule import Scenes

__all__ = ["Scenes"]


def __getattr__(name: str) -> type:
    if name != "Scenes":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vl_track.scenes.datamodule import Scenes  # noqa: PLC0415  (needs torch)

    return Scenes
