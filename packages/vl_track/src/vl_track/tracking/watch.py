"""Whether one object is in view, frame by frame: its probability, and the alarm."""

import math

import numpy as np

from holdfast.errors import ConfigError
from vl_track.finding import Found
from vl_track.tracking.colours import colours_of, likeness
from vl_track.tracking.evidence import START, History, Numbers, evidence_of
from vl_track.tracking.judge import FILE, Judge, next_statistic
from vl_track.tracking.options import TrackerOptions
from vl_track.video.frames import Image

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
        here: probability, while the alarm rings, that the place of the last box shows the object,
            judged as other places of the frame are.
        rings: whether the alarm rings: the object is gone, or the tracker is not on it.

    Raises:
        ConfigError: the alarm is no share of videos, or the judge was calibrated on too few videos
            for it.
    """

    def __init__(self, judge: Judge | None, alarm: float) -> None:
        if not 0 <= alarm < 1:
            raise ConfigError(
                f"--options.alarm {alarm:g} is no share of videos: give 0.05, for example, or 0 "
                "for no alarm."
            )
        self.judge = judge
        calibrated = judge is not None and bool(judge.worst) and alarm > 0
        self._limit = judge.threshold(alarm) if judge is not None and calibrated else None
        self.start(given=False)

    @property
    def has_alarm(self) -> bool:
        """Whether an alarm can ring at all."""
        return self._limit is not None

    @property
    def can_search(self) -> bool:
        """Whether places elsewhere in the frame can be judged at all."""
        return self.judge is not None and bool(self.judge.places) and self._coloured > 0

    def start(self, *, given: bool) -> None:
        """Forget the object before.

        Args:
            given: the user showed where the new one is, so that it is certainly in view.
        """
        self.present: float | None = 1.0 if given and self.judge is not None else None
        self.features: Numbers | None = None
        self.rings, self.here = False, 0.0
        self._history = History()
        self._colours = np.zeros(0)
        self._coloured = 0
        self._statistic, self._good = 0.0, 0

    def look(self, found: Found, number: int, crop: Image) -> None:
        """Take in what the network found around the last box in the next frame.

        Args:
            found: in one or more crops.
            number: of the crop meant.
            crop: itself, RGB uint8 (S, S, 3).
        """
        head = None if found.present is None else float(found.present[number])
        numbers = evidence_of(found, number)
        self.present, self.features = head, None
        if numbers is None:
            return
        self.features = self._history.features(numbers)
        self._history.add(numbers)
        logit = None if self.judge is None else self.judge.logit(self.features)
        if self._coloured < START and (logit is None or sigmoid(logit) >= SURE_AGAIN):
            self._remember(colours_of(crop, found.boxes[number]))
        if self.judge is None or logit is None:
            return
        self.present = sigmoid(logit) if head is None else head
        self._ring(logit, self.judge.expected)
        self.here = self.likelihood(found, number, crop) if self.rings else 0.0

    def place(self, found: Found, number: int, crop: Image) -> Numbers | None:
        """Return the numbers (3,) that a place is judged by, wherever in the frame it is.

        Args:
            found: in one or more crops.
            number: of the crop meant.
            crop: itself, RGB uint8 (S, S, 3).

        Returns:
            ``None`` from a network that says nothing of its cells, and before the first frame.
        """
        numbers = evidence_of(found, number)
        if numbers is None or not self._coloured:
            return None
        alike = likeness(colours_of(crop, found.boxes[number]), self._colours)
        return np.append(numbers, alike)

    def likelihood(self, found: Found, number: int, crop: Image) -> float:
        """Return the probability that a place shows the object; arguments as for :meth:`place`."""
        numbers = self.place(found, number, crop)
        if self.judge is None or numbers is None:
            return 0.0
        return sigmoid(self.judge.place_logit(numbers))

    def _remember(self, colours: Numbers) -> None:
        """Take the colours of a box into the mean over the first ones."""
        before = self._colours if self._coloured else np.zeros_like(colours)
        self._coloured += 1
        self._colours = before + (colours - before) / self._coloured

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


def check_asked(judge: Judge | None, options: TrackerOptions) -> None:
    """Refuse an alarm or a search that was asked for and that the model cannot give.

    Args:
        judge: of the model; ``None`` where it has none.
        options: of the tracker. The alarm's default asks for nothing.

    Raises:
        ConfigError: the model has no alarm; or ``redetect`` is ``always``, and after the model's
            alarm places are judged by numbers that its ``presence.json`` does not have.
    """
    calibrated = judge is not None and bool(judge.worst)
    if not calibrated and options.alarm not in {0, TrackerOptions().alarm}:
        raise ConfigError(
            f"--options.alarm {options.alarm:g} needs a model with a calibrated {FILE}: see the "
            "page vl_track of the documentation, or leave the option out."
        )
    if judge is None or judge.places or options.redetect != "always":
        return
    if calibrated and options.alarm > 0:
        raise ConfigError(
            f"--options.redetect always cannot search: after an alarm places are judged by the "
            f"model's {FILE}, and this one has no numbers for places. Fit it again with `vl-track "
            "presence --fitted`, or give --options.alarm 0, which searches by the score."
        )


def sigmoid(logit: float) -> float:
    """Return the probability of a logit."""
    return 1 / (1 + math.exp(-logit))
