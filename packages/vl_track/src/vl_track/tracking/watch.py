"""Whether one object is in view, frame by frame: its probability, and the alarm."""

import math

from vl_track.finding import Found
from vl_track.tracking.evidence import History, Numbers, evidence_of
from vl_track.tracking.judge import Judge, next_statistic

FOUND_FRAMES = 3
"""Frames in a row that must look like the object before the alarm is silent again."""
SURE_AGAIN = 0.5
"""Probability at which a frame looks like the object."""


class Watch:
    """Presence and alarm of one object.

    Args:
        judge: of the model; ``None`` where it has none.
        alarm: share of videos that may have a false alarm; 0 for no alarm.

    Attributes:
        present: probability that the object is in view; ``None`` where nothing says it.
        features: what the last frame was judged by; ``None`` from a network that says nothing of
            its cells.
        rings: whether the alarm rings: the object is gone, or the tracker is not on it.

    Raises:
        ConfigError: the judge was calibrated on too few videos for such an alarm.
    """

    def __init__(self, judge: Judge | None, alarm: float) -> None:
        self.judge = judge
        calibrated = judge is not None and bool(judge.worst) and alarm > 0
        self._limit = judge.threshold(alarm) if judge is not None and calibrated else None
        self.start(given=False)

    @property
    def has_alarm(self) -> bool:
        """Whether an alarm can ring at all."""
        return self._limit is not None

    def start(self, *, given: bool) -> None:
        """Forget the object before.

        Args:
            given: the user showed where the new one is, so that it is certainly in view.
        """
        self.present: float | None = 1.0 if given and self.judge is not None else None
        self.features: Numbers | None = None
        self.rings = False
        self._history = History()
        self._statistic, self._good = 0.0, 0

    def look(self, found: Found, number: int) -> None:
        """Take in what the network found around the last box in the next frame."""
        head = None if found.present is None else float(found.present[number])
        numbers = evidence_of(found, number)
        self.present, self.features = head, None
        if numbers is None:
            return
        self.features = self._history.features(numbers)
        self._history.add(numbers)
        if self.judge is None:
            return
        logit = self.judge.logit(self.features)
        self.present = sigmoid(logit) if head is None else head
        self._ring(logit, self.judge.expected)

    def likelihood(self, found: Found, number: int) -> float:
        """Return the probability that a window elsewhere in the frame shows the object.

        It is judged as if the video had looked like that for a while: what was seen where the
        object is not says nothing about other places.
        """
        numbers = evidence_of(found, number)
        if self.judge is None or numbers is None:
            return 0.0
        return sigmoid(self.judge.logit(self._history.elsewhere(numbers)))

    def _ring(self, logit: float, expected: float) -> None:
        if self._limit is None:
            return
        if self.rings:
            self._good = self._good + 1 if sigmoid(logit) >= SURE_AGAIN else 0
            if self._good >= FOUND_FRAMES:
                self.rings, self._statistic = False, 0.0
            return
        self._good = 0
        self._statistic = next_statistic(self._statistic, logit, expected)
        self.rings = self._statistic > self._limit


def sigmoid(logit: float) -> float:
    """Return the probability of a logit."""
    return 1 / (1 + math.exp(-logit))
