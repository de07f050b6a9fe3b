"""Scenes: procedural video with language, exact boxes, and a seed instead of files."""

from vl_track.data.scenes.scene import Scene
from vl_track.data.scenes.world import SceneWorld

__all__ = ["Scene", "SceneWorld"]
