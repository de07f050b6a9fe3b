"""Following objects through frames. Names are lazy: torch is imported with the first tracker."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from vl_track.tracking.loop import follow, follow_all, frames_of
    from vl_track.tracking.options import TrackerOptions
    from vl_track.tracking.steps import Estimate, Prompt, Step
    from vl_track.tracking.together import track_together
    from vl_track.tracking.tracker import Tracker

__all__ = [
    "Estimate",
    "Prompt",
    "Step",
    "Tracker",
    "TrackerOptions",
    "follow",
    "follow_all",
    "frames_of",
    "track_together",
]
_MODULES = {
    "loop": ("follow", "follow_all", "frames_of"),
    "options": ("TrackerOptions",),
    "steps": ("Estimate", "Prompt", "Step"),
    "together": ("track_together",),
    "tracker": ("Tracker",),
}

__getattr__ = lazy_names(
    __name__,
    {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names},
)
