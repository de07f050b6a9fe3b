"""Following one object through frames."""

from vl_track.tracker.together import track_together
from vl_track.tracker.tracker import Estimate, Tracker, TrackerOptions

__all__ = ["Estimate", "Tracker", "TrackerOptions", "track_together"]
