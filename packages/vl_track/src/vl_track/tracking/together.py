"""Several videos at once: one forward pass for the next frame of each."""

from collections.abc import Sequence

import numpy as np

from holdfast.errors import ConfigError
from vl_track.data.video import crop_frame
from vl_track.finding import Sentence
from vl_track.tracking.steps import Estimate
from vl_track.tracking.tracker import Tracker, batch_of
from vl_track.video.frames import Image


def track_together(trackers: Sequence[Tracker], frames: Sequence[Image]) -> list[Estimate]:
    """Find each tracker's object in the next frame of its own video.

    The estimates equal those of :meth:`Tracker.track` one by one, within rounding.

    Args:
        trackers: initialised, with one network between them; videos that have ended are left out.
        frames: RGB uint8 (H, W, 3), one for each tracker, of any sizes.

    Raises:
        ConfigError: the trackers have different networks, or one was not initialised.
    """
    network = trackers[0].network
    if any(tracker.network is not network for tracker in trackers):
        raise ConfigError("Trackers that run together must share one network.")
    inputs = [tracker.preprocess(frame) for tracker, frame in zip(trackers, frames, strict=True)]
    crops = [
        crop_frame(frame, one.window, network.search_size)
        for frame, one in zip(frames, inputs, strict=True)
    ]
    vectors, there = zip(*(one.text for one in inputs), strict=True)
    flat = np.ones((network.search_grid,) * 2, np.float32)
    answer = network.find(
        np.concatenate([one.template_13hw for one in inputs]),
        batch_of(crops),
        Sentence(np.concatenate(vectors), np.concatenate(there)),
        np.concatenate([one.target_14 for one in inputs]),
        np.stack([tracker.prior if tracker.options.hann else flat for tracker in trackers]),
    )
    found = []
    for number, (tracker, frame) in enumerate(zip(trackers, frames, strict=True)):
        tracker.watch.look(answer, number, crops[number])
        estimate = tracker.postprocess(frame, answer, number, inputs[number].box_window)
        found.append(tracker.update(frame, estimate))
    return found
