"""Numbers that tell, in one search window, whether the object is there.

They need nothing that the tracker does not have already, so a network that was never taught
presence has them too. Each is used as it is, and smoothed over time less its mean over the video's
own first frames: a score of 0.6 says little, but a score of 0.6 in a video that began with 0.9 says
much.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vl_track.finding import Found

Numbers = NDArray[np.float64]
NAMES = ("score", "template")
"""Logit of the best cell's score; match with the template at that cell (0 where the network has
none). Entropy, mean and second peak of the score map, match with what surrounds the template's
target and with the sentence, and change of the box's place and size were tried: none helped on
held-out Scenes by more than 0.003 of area under ROC. The best match elsewhere in the window helped
there by 0.02 and harmed on real video by 0.06."""
WAYS = ("now", "smoothed")
FEATURES = tuple(f"{name}_{way}" for way in WAYS for name in NAMES)
"""What presence is judged by, in its order."""
PLACE = ("score", "template", "colour")
"""What a place elsewhere in the frame is judged by: the numbers of :data:`NAMES`, and how alike its
colours are to those of the first boxes (:mod:`vl_track.tracking.colours`)."""
START = 10
"""Frames whose mean stands for how this video looks while the object is there."""
KEEP = 0.8
"""Weight of what was before in the smoothed numbers."""
EDGE = 1e-4
"""Probabilities are kept this far from 0 and 1 before logits are taken."""


def evidence_of(found: Found, number: int) -> Numbers | None:
    """Return the numbers of :data:`NAMES` for one search window.

    Args:
        found: what a network found.
        number: of the window meant.

    Returns:
        (2,); ``None`` from a network that says nothing of its cells.
    """
    if found.cells is None:
        return None
    cells = found.cells[number].astype(np.float64)
    score = min(1 - EDGE, max(EDGE, float(found.scores[number])))
    best = int(np.abs(cells[:, 0] - float(found.scores[number])).argmin())
    match = float(cells[best, 1]) if cells.shape[1] > 1 else 0.0
    return np.array([np.log(score / (1 - score)), match])


class History:
    """What a video looked like until now, for one object. It starts empty."""

    def __init__(self) -> None:
        self._start = np.zeros(len(NAMES))
        self._seen = 0
        self._smoothed = np.zeros(len(NAMES))

    def features(self, numbers: Numbers) -> Numbers:
        """Return :data:`FEATURES` (4,) of the next frame, without taking it in."""
        start, smoothed = self._next(numbers)
        return np.concatenate([numbers, smoothed - start])

    def add(self, numbers: Numbers) -> None:
        """Take a frame in."""
        self._start, self._smoothed = self._next(numbers)
        self._seen += 1

    def _next(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        start: Any = self._start
        if self._seen < START:
            start = (self._start * self._seen + numbers) / (self._seen + 1)
        smoothed = KEEP * self._smoothed + (1 - KEEP) * numbers if self._seen else numbers
        return start, smoothed
