"""Numbers that tell, in one search window, whether the object is there.

They need nothing that the tracker does not have already, so a network that was never taught
presence has them too. Each is used as it is, as its difference from the video's own first frames,
and as that difference smoothed over time: a score of 0.6 says little, but a score of 0.6 in a video
that began with 0.9 says much.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vl_track.finding import Found

Numbers = NDArray[np.float64]
NAMES = ("score", "template", "template_elsewhere")
"""Logit of the best cell's score; match with the template at that cell, and the best match far from
it (0 where the network has none). Entropy, mean and second peak of the score map, match with what
surrounds the template's target, and change of the box's place and size made held-out videos worse;
match with the sentence raised their area under ROC by 0.003 only."""
WAYS = ("now", "since_start", "smoothed")
FEATURES = tuple(f"{name}_{way}" for way in WAYS for name in NAMES)
"""What presence is judged by, in its order."""
NEAR = 2
"""Cells around the best one that belong to its peak."""
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
        (3,); ``None`` from a network that says nothing of its cells.
    """
    if found.cells is None:
        return None
    cells = found.cells[number].astype(np.float64)
    score = min(1 - EDGE, max(EDGE, float(found.scores[number])))
    best = int(np.abs(cells[:, 0] - float(found.scores[number])).argmin())
    far = _far_from(best, len(cells))
    return np.array([np.log(score / (1 - score)), *_match(cells, 1, best, far)])


def _match(cells: Numbers, channel: int, best: int, far: NDArray[np.bool_]) -> tuple[float, float]:
    if channel >= cells.shape[1]:
        return 0.0, 0.0
    return float(cells[best, channel]), _greatest(cells[:, channel], far)


def _greatest(values: Numbers, where: NDArray[np.bool_]) -> float:
    """Return the greatest value elsewhere; the least of all where nothing is far enough."""
    return float(values[where].max() if where.any() else values.min())


def _far_from(best: int, count: int) -> NDArray[np.bool_]:
    """Return which of the cells of a square map do not belong to the best one's peak."""
    grid = round(count**0.5)
    row, column = np.divmod(np.arange(count), grid)
    own_row, own_column = divmod(best, grid)
    near = (abs(row - own_row) <= NEAR) & (abs(column - own_column) <= NEAR)
    return np.asarray(~near)


class History:
    """What a video looked like until now, for one object. It starts empty."""

    def __init__(self) -> None:
        self._start = np.zeros(len(NAMES))
        self._seen = 0
        self._smoothed = np.zeros(len(NAMES))

    def features(self, numbers: Numbers) -> Numbers:
        """Return :data:`FEATURES` (9,) of the next frame, without taking it in."""
        start, smoothed = self._next(numbers)
        return np.concatenate([numbers, numbers - start, smoothed - start])

    def elsewhere(self, numbers: Numbers) -> Numbers:
        """Return the features (9,) of a place that always looked like this."""
        change = numbers - (self._start if self._seen else numbers)
        return np.concatenate([numbers, change, change])

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
