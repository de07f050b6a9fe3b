"""Several videos at once: one forward pass for the next frame of each."""

from collections.abc import Sequence

import torch

from holdfast.errors import ConfigError
from vl_track.data.geometry import clip_box, out_of_window
from vl_track.data.video import Picture, crop_frame
from vl_track.model.head import decode
from vl_track.model.text.base import TextFeatures
from vl_track.tracker.tracker import Estimate, Tracker
from vl_track.tracker.window import hann_window


@torch.inference_mode()
def track_together(trackers: Sequence[Tracker], frames: Sequence[Picture]) -> list[Estimate]:
    """Find each tracker's object in the next frame of its own video.

    The answers are those of :meth:`Tracker.track` one by one, within rounding.

    Args:
        trackers: initialised, with one network between them; videos that have ended are left out.
        frames: RGB uint8 (H, W, 3), one for each tracker, of any sizes.

    Raises:
        ConfigError: the trackers have different networks, or one was not initialised.
    """
    network = trackers[0].network
    if any(tracker.network is not network for tracker in trackers):
        raise ConfigError("Trackers that run together must share one network.")
    questions = [tracker.ask(frame) for tracker, frame in zip(trackers, frames, strict=True)]
    size = network.backbone.search_size
    crops = [crop_frame(f, q.window, size) for f, q in zip(frames, questions, strict=True)]
    device = trackers[0].device
    search = torch.stack([torch.from_numpy(crop) for crop in crops]).permute(0, 3, 1, 2)
    text = TextFeatures(
        *(torch.cat([q.text[part] for q in questions]) for part in range(len(TextFeatures._fields)))
    )
    templates = torch.cat([q.template_13hw for q in questions])
    output = network(templates, search.contiguous().to(device), text)
    hann = hann_window(network.backbone.search_grid).to(device)
    found = []
    for number, (tracker, frame) in enumerate(zip(trackers, frames, strict=True)):
        options = tracker.options
        prior = hann * options.window_weight + (1 - options.window_weight)
        maps = type(output.maps)(*(value[number : number + 1] for value in output.maps))
        boxes, scores = decode(maps, prior if options.hann else None)
        cx, cy, w, h = boxes[0].tolist()
        box = out_of_window((cx, cy, w, h), questions[number].place)
        height, width = frame.shape[:2]
        box = clip_box(box, (width, height), options.margin)
        found.append(tracker.accept(frame, Estimate(box, float(scores[0]))))
    return found
