"""Following one object through frames."""

from vl_track.tracker.tracker import Estimate, Tracker, TrackerOptions

__all__ = ["Estimate", "Tracker", "TrackerOptions"]
