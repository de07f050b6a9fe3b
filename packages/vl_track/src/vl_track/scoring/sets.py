"""The data sets that can be tracked and scored: those on disk, Scenes, and annotated clips."""

from vl_track.data.sets.known import KNOWN, KnownSet, known_set, open_set, register
from vl_track.scenes.data_set import SCENES

register(*SCENES)

__all__ = ["KNOWN", "KnownSet", "known_set", "open_set"]
