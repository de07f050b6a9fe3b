"""Which two frames of a video make a training pair (``lib/train/data/sampler.py`` of OSTrack)."""

from collections.abc import Callable
from itertools import islice

import numpy as np

MAX_GAP = 200
WIDENING = 5
MIN_VISIBLE = 5
MIN_FRAMES = 20


def draw_times(
    count: int,
    visible: Callable[[int], bool],
    generator: np.random.Generator,
    *,
    max_gap: int = MAX_GAP,
    tries: int = 40,
) -> tuple[int, int] | None:
    """Draw a template frame and a later search frame, both with the object in sight (causal mode).

    Args:
        count: frames of the video.
        visible: tells whether the object is seen in a frame; asked for few frames only.
        generator: of random numbers.
        max_gap: the search frame comes less than this many frames later (paper: 200).
        tries: each failed one widens the gap by 5.

    Returns:
        Template and search frame; equal for a single picture; ``None`` if none was found.
    """
    if count == 1:
        return (0, 0) if visible(0) else None
    for attempt in range(tries):
        template = int(generator.integers(count - 1))
        last = min(count, template + max_gap + WIDENING * attempt)
        search = int(generator.integers(template + 1, max(last, template + 2)))
        if visible(template) and visible(search):
            return template, search
    return None


def is_usable(count: int, visible: Callable[[int], bool], least: int = MIN_FRAMES) -> bool:
    """Tell whether the release would sample a video: enough frames, the object seen in enough.

    Args:
        count: frames of the video; a single image is always usable.
        visible: tells whether the object is seen in a frame.
        least: number of frames (release: 20).
    """
    if count == 1:
        return True
    seen = (number for number in range(count) if visible(number))
    return count >= least and len(list(islice(seen, MIN_VISIBLE))) == MIN_VISIBLE
