"""Presence without a presence head: a logistic fit, and an alarm whose false rings are bounded.

``presence.json`` in a model's folder holds a few numbers fitted on held-out videos. It names the
weights it was fitted for by their digests, and is left out beside others.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from holdfast.atomic import write_text
from holdfast.errors import CheckpointError, ConfigError
from vl_track.digests import digest_of
from vl_track.tracking.evidence import FEATURES, PLACE, Numbers

FILE = "presence.json"
FORMAT = 1
FARTHEST = 8.0
"""Logits are kept within this, so that one frame never decides."""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """How presence is read from the numbers of :mod:`vl_track.tracking.evidence`.

    Attributes:
        weights: of each feature, by name.
        bias: added to their sum.
        frames: how many it was fitted on.
        videos: of how many videos.
        expected: mean logit per frame that is called neither absence nor presence by the alarm.
        worst: for each calibration video, the greatest value that the alarm's statistic reached
            while the tracker was on the object; sorted.
        files: SHA-256 of the weights that the numbers belong to, by file name.
        places: of what a place elsewhere in the frame is judged by, by name, and ``bias``; empty
            where it was not fitted, and then nothing is found elsewhere.
    """

    weights: dict[str, float]
    bias: float
    frames: int
    videos: int
    expected: float = 0.0
    worst: list[float] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    places: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no fit.

        Raises:
            ValueError: a feature is missing or unknown, or a number is not finite.
        """
        if set(self.weights) != set(FEATURES):
            raise ValueError("its features are not those of this version")
        if self.places and set(self.places) != {*PLACE, "bias"}:
            raise ValueError("what it judges places by is not that of this version")
        numbers = [*self.weights.values(), self.bias, self.expected, *self.worst]
        numbers += self.places.values()
        if not all(math.isfinite(value) for value in numbers) or self.worst != sorted(self.worst):
            raise ValueError("a number in it is not finite, or its calibration is not sorted")

    def logit(self, features: Numbers) -> float:
        """Return the logit of the probability that the object is in view."""
        total = self.bias + float(np.dot([self.weights[name] for name in FEATURES], features))
        return min(FARTHEST, max(-FARTHEST, total))

    def place_logit(self, numbers: Numbers) -> float:
        """Return the logit of the probability that a place elsewhere shows the object.

        Args:
            numbers: (3,), of :data:`vl_track.tracking.evidence.PLACE`.
        """
        if not self.places:
            return -FARTHEST
        total = self.places["bias"] + float(np.dot([self.places[name] for name in PLACE], numbers))
        return min(FARTHEST, max(-FARTHEST, total))

    def threshold(self, alarm: float) -> float:
        """Return the value of the statistic above which the alarm rings.

        With n calibration videos it is their k-th smallest worst value, k = ceil((n + 1)(1 - a)).
        A further video that is exchangeable with them stays at or below it with probability at
        least 1 - a: that is all there is to a conformal bound.

        Args:
            alarm: a, the share of videos that may have a false alarm, in (0, 1).

        Raises:
            ConfigError: there are too few calibration videos for so small a share.
        """
        count = len(self.worst)
        if not can_keep(alarm, count):
            least = f", so the least is {least_alarm(count)}" if count else ""
            raise ConfigError(
                f"An alarm of {alarm:g} cannot be kept: the model's {FILE} was calibrated on "
                f"{count} videos{least}; --options.alarm 0 tracks without an alarm."
            )
        return self.worst[max(_place(alarm, count), 1) - 1]

    @classmethod
    def read(cls, folder: Path, digests: Mapping[str, str] | None = None) -> Self | None:
        """Read a model folder's judge; ``None`` where there is none.

        Args:
            folder: of the model.
            digests: of files that have been read already, by name.

        Raises:
            CheckpointError: it is damaged, or was fitted for other weights.
        """
        place = folder / FILE
        if not place.is_file():
            return None
        try:
            found = json.loads(place.read_text(encoding="utf-8"))
            version = found.pop("format")
            judge = cls(**found)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{place} cannot be read ({error}).") from error
        if version != FORMAT:
            raise CheckpointError(f"{place} is of another version of vl_track: fit it again.")
        shards = {file.name for file in folder.glob("*.safetensors")}
        known = digests or {}
        if set(judge.files) != shards or any(
            (known.get(name) or digest_of(folder / name)) != digest
            for name, digest in judge.files.items()
        ):
            raise CheckpointError(f"{place} was fitted for other weights: fit it again.")
        return judge

    def write(self, place: Path) -> None:
        """Write it to a file."""
        write_text(place, json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n")


def can_keep(alarm: float, count: int) -> bool:
    """Tell whether so many calibration videos can bound the share of false alarms by ``alarm``."""
    return 0 < alarm < 1 and _place(alarm, count) <= count


def least_alarm(count: int) -> str:
    """Return the least alarm that one or more calibration videos can keep, rounded up."""
    least = 1 / (count + 1)
    digits = 2 - math.floor(math.log10(least))
    units = math.ceil(least * 10**digits)
    while not can_keep(float(f"{units / 10**digits:.{digits}f}"), count):
        units += 1
    return f"{units / 10**digits:.{digits}f}".rstrip("0")


def _place(alarm: float, count: int) -> int:
    return math.ceil((count + 1) * (1 - alarm))


def judge_in(folder: Path, digests: Mapping[str, str] | None = None) -> Judge | None:
    """Return a folder's judge; one that does not fit is left out, and a sentence says so."""
    try:
        return Judge.read(folder, digests) if folder.is_dir() else None
    except CheckpointError as error:
        sys.stderr.write(f"note: presence is not told: {error}\n")
        return None


def next_statistic(before: float, logit: float, expected: float) -> float:
    """Return the alarm's statistic after a frame: evidence of absence, added up and never negative.

    A cumulative sum: frames whose logit is below ``expected`` add, and those above it take away.
    """
    return max(0.0, before + expected - logit)


def worst_of(logits: Sequence[float], expected: float) -> float:
    """Return the greatest value that the statistic reaches over a video's logits."""
    worst = value = 0.0
    for logit in logits:
        value = next_statistic(value, logit, expected)
        worst = max(worst, value)
    return worst
