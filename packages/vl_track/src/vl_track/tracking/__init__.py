"""Following objects through frames. Names are lazy: torch is imported with the first tracker."""

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any of the names above)
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
