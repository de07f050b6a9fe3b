"""Choices of a tracker at test. Nothing here imports torch."""

from dataclasses import dataclass
from typing import Literal

Redetection = Literal["after_alarm", "always", "never"]


@dataclass(kw_only=True)
class TrackerOptions:
    """Choices at test; the defaults are the release's (``lib/test/tracker/ostrack.py``).

    Attributes:
        hann: weight the score map by a Hann window.
        window_weight: weight of the window in the weighted score, in [0, 1]; 1 is the release's
            plain product.
        size_memory: weight of the last size in the next one, in [0, 1), as a geometric mean; 0 is
            the release. It keeps one wrong size from spoiling the search windows that follow.
        flow: refine the network's boxes by optical flow where a box was given
            (:mod:`vl_track.tracking.refining`); ``None`` as the model's description says, which is
            no in the release and yes in the model that comes with vl_track.
        update_interval: frames between updates of the template; 0 (release) never updates.
        update_score: least score at which an update may happen.
        alarm: share of videos that may have a false alarm, in (0, 1); 0 for none. A model without
            ``presence.json`` has no alarm.
        lost_score: where there is no alarm, an object scored below this for ``lost_patience``
            frames counts as lost.
        lost_patience: frames.
        redetect: search the frame for a lost object: ``after_alarm``, ``always`` or ``never``.
            Once the alarm rings, two windows of the frame are searched in each frame, and what is
            tracked is followed until the object is found. Without an alarm ``always`` searches all
            windows for an object that counts as lost by its score, and the last box stays until it
            is found; ``after_alarm`` does nothing.
        found_score: where there is no alarm, least score at which it counts as found again.
        found_present: least probability, in [0, 1], that another place shows the object at which
            the tracker goes there.
        grounding_scales: sides of the windows searched for an object that only a text names, as
            fractions of the frame's longer side.
        closer_looks: how often an object that only a text names is looked at again in the window
            around what was found, before tracking starts; the last look counts, also where it
            scores less. The release is given its boxes.
        margin: pixels of a box that always stay in the frame (``clip_box`` of OSTrack's
            ``lib/utils/box_ops.py``).
        allow_nothing: start with an empty prompt, on what scores highest; for ablations.
    """

    hann: bool = True
    window_weight: float = 1.0
    size_memory: float = 0.0
    flow: bool | None = None
    update_interval: int = 0
    update_score: float = 0.7
    redetect: Redetection = "after_alarm"
    alarm: float = 0.05
    found_present: float = 0.55
    lost_score: float = 0.2
    lost_patience: int = 5
    found_score: float = 0.4
    grounding_scales: tuple[float, ...] = (1.0,)
    closer_looks: int = 2
    margin: float = 10.0
    allow_nothing: bool = False
