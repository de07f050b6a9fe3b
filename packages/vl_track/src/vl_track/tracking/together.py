"""Several videos at once: one forward pass for the next frame of each."""

from collections.abc import Sequence

import torch

from holdfast.errors import ConfigError
from vl_track.data.video import crop_frame
from vl_track.nn.heads.base import row_of
from vl_track.nn.text.base import TextFeatures
from vl_track.tracking.steps import Estimate
from vl_track.tracking.tracker import Tracker, present_of
from vl_track.video.frames import Image


@torch.inference_mode()
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
    size = network.backbone.search_size
    crops = [crop_frame(f, one.window, size) for f, one in zip(frames, inputs, strict=True)]
    device = trackers[0].device
    search = torch.stack([torch.from_numpy(crop) for crop in crops]).permute(0, 3, 1, 2)
    text = TextFeatures(
        *(
            torch.cat([one.text[part] for one in inputs])
            for part in range(len(TextFeatures._fields))
        )
    )
    templates = torch.cat([one.template_13hw for one in inputs])
    targets = torch.cat([one.target_14 for one in inputs])
    output = network(templates, search.contiguous().to(device), text, target=targets)
    found = []
    for number, (tracker, frame) in enumerate(zip(trackers, frames, strict=True)):
        prior = tracker.prior if tracker.options.hann else None
        boxes, scores = network.head.decode(row_of(output.maps, number), prior)
        tracker.present = present_of(output.presence, number)
        estimate = tracker.postprocess(frame, boxes[0], scores[0], inputs[number].box_window)
        found.append(tracker.update(frame, estimate))
    return found
