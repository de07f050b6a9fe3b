"""Data of vl_track; the data module is loaded when asked for, so that scoring needs no torch."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vl_track.data.scenes.datamodule import Scenes

__all__ = ["Scenes"]


def __getattr__(name: str) -> type:
    if name == "Scenes":
        from vl_track.data.scenes.datamodule import Scenes  # noqa: PLC0415

        return Scenes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
