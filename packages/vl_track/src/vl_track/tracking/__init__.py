"""Following one object through frames."""

from vl_track.tracking.together import track_together
from vl_track.tracking.tracker import Estimate, Tracker, TrackerOptions

__all__ = ["Estimate", "Tracker", "TrackerOptions", "track_together"]
