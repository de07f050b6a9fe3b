"""What every source of frames offers: a video file, an address, a folder of images, a camera."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from vl_track.video.frames import DEFAULT_RATE, Frame

ADDRESS = re.compile(r"[a-z][a-z0-9+.\-]*://", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that frames can be read from, again and again unless it is live.

    Attributes:
        name: for file names and messages.
        rate: frames a second, on average.
        count: number of frames if known, else 0.
        time_base: seconds that one tick of the source's clock takes; all times are multiples of it.
        live: whether frames come as they happen, so that they cannot be read a second time.
        sound: a file or address whose sound belongs to the frames.
        remarks: what a user should know about how it is read, a sentence each.
    """

    name: str
    rate: float = DEFAULT_RATE
    count: int = 0
    time_base: Fraction = Fraction(1, 25)
    live: bool = False
    sound: str | None = None
    remarks: tuple[str, ...] = ()

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield frames in the order of their times; those that cannot be decoded are among them.

        Args:
            start: seconds from the beginning; frames before are left out, but counted.

        Raises:
            DataError: the source cannot be opened, or fails in the middle; all frames before the
                failure are yielded first.
        """
        raise NotImplementedError
