"""Vision-language tracking with one transformer (All-in-One, arXiv 2307.03373).

``vl_track.load()`` gives a tracker.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vl_track.tracker import Tracker, TrackerOptions

__version__ = "0.1.0"


def load(
    source: "str | Path | None" = None,
    *,
    options: "TrackerOptions | None" = None,
    device: str = "cpu",
) -> "Tracker":
    """Load a tracker.

    Args:
        source: a model folder (``config.json`` and safetensors, as on the hub), a checkpoint of
            ``vl-track fit``, or nothing for the model that comes with the package.
        options: choices at test.
        device: ``cpu``, ``cuda``...

    Examples:
        >>> tracker = vl_track.load()                                        # doctest: +SKIP
        >>> tracker.initialize(first, box=(40, 30, 50, 80), text="the cup")  # doctest: +SKIP
        >>> box, score = tracker.track(frame)                                # doctest: +SKIP

    Raises:
        CheckpointError: missing, damaged, or not a tracker of ours.
    """
    from vl_track.loading import load_network  # noqa: PLC0415  (slow to import)
    from vl_track.tracker import Tracker  # noqa: PLC0415

    return Tracker(load_network(source), options, device)
