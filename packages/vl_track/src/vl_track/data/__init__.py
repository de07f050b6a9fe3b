"""Data sets of video with language; each class is a Lightning data module."""

from vl_track.data.scenes.datamodule import Scenes

__all__ = ["Scenes"]
