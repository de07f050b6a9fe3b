"""Which two frames of a video make a training pair (OSTrack's ``lib/train/data/sampler.py``)."""

from collections.abc import Callable

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


def is_usable(visible: np.ndarray) -> bool:
    """Tell whether a video has enough frames, and enough with the object."""
    return len(visible) >= MIN_FRAMES and int(np.count_nonzero(visible)) >= MIN_VISIBLE
