"""A track as annotation for other tools: one file for each format."""

from vl_track.annotations.track import Track

__all__ = ["Track"]
