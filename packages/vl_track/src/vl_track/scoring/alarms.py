"""How often the alarm rings when it should and when it should not, and how soon."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vl_track.scoring.uncertainty import share_interval
from vl_track.scoring.watching import Watched

LONG = 10
"""Frames of an absence that counts as long: one of a frame or two cannot be told from noise."""


@dataclass(frozen=True, kw_only=True)
class AbsenceScore:
    """How the alarm did in single absences that began while the tracker was on its object.

    Absences that begin while the alarm rings are left out.

    Attributes:
        count: number of absences.
        rang: in how many of them it rang before the object was seen again.
        delay: median number of frames from the beginning of these to the ring.
    """

    count: int
    rang: int
    delay: float


@dataclass(frozen=True, kw_only=True)
class AlarmScore:
    """How the alarm did.

    Attributes:
        videos: number of videos.
        false: in how many it rang while the tracker was on its object.
        staying: in how many the object is seen in every known frame.
        rang_staying: in how many of these it rang, whatever the tracker did.
        leaving: in how many the object left while the tracker was on it.
        noticed: in how many of these it rang after that.
        delay: median number of frames from leaving to the ring, where it was noticed.
        absences: all of them.
        long_absences: those of ten frames or more.
    """

    videos: int
    false: int
    staying: int
    rang_staying: int
    leaving: int
    noticed: int
    delay: float
    absences: AbsenceScore
    long_absences: AbsenceScore


def alarm_score(found: Sequence[Watched]) -> AlarmScore:
    """Count false and true rings."""
    staying = [one for one in found if one.left is None]
    leaving = [one for one in found if one.left is not None and one.held >= one.left]
    rung = [(one, one.first_ring) for one in leaving if one.first_ring is not None]
    late = [ring - one.held for one, ring in rung if ring >= one.held]
    return AlarmScore(
        videos=len(found),
        false=sum(one.first_ring is not None and one.first_ring < one.held for one in found),
        staying=len(staying),
        rang_staying=sum(one.first_ring is not None for one in staying),
        leaving=len(leaving),
        noticed=len(late),
        delay=_median(late),
        absences=_absence_score(found, 1),
        long_absences=_absence_score(found, LONG),
    )


def _absence_score(found: Sequence[Watched], least: int) -> AbsenceScore:
    """Count absences of so many frames or more."""
    spans = [
        one.rings[start:end]
        for one in found
        for start, end in one.absences
        if end - start >= least
        and one.was_on_it(start)
        and not (start > 0 and one.rings[start - 1])
    ]
    delays = [int(span.argmax()) for span in spans if span.any()]
    return AbsenceScore(count=len(spans), rang=len(delays), delay=_median(delays))


def _median(values: Sequence[int]) -> float:
    return float(np.median(values)) if values else float("nan")


def alarm_lines(alarm: float, found: AlarmScore) -> str:
    """Return in words how an alarm of some share did."""
    low, high = share_interval(found.false, found.videos)
    one, long = found.absences, found.long_absences
    return (
        f"Alarm {alarm:g}: false in {found.false} of {found.videos} videos, "
        f"{found.false / found.videos:.3f} (95 % interval {low:.3f} to {high:.3f}); it rang in "
        f"{found.rang_staying} of {found.staying} videos whose target stays, drifting trackers "
        f"included, and in {found.noticed} of {found.leaving} whose target left a tracker that was "
        f"on it, after {_frames(found.delay)} (median)\n"
        f"Absences: it rang in {one.rang} of {one.count} that began with the tracker on its "
        f"target, before the target was seen again, after {_frames(one.delay)} (median); in "
        f"{long.rang} of the {long.count} that lasted {LONG} frames or more, after "
        f"{_frames(long.delay)}\n"
    )


def _frames(delay: float) -> str:
    return "none" if math.isnan(delay) else f"{delay:g} frames"
