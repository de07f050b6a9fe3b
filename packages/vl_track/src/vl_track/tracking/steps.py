"""What a tracker is given and what it answers. Nothing here imports torch."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from vl_track.data.geometry import Box
from vl_track.data.prompts import PromptKind
from vl_track.video.frames import Image


class Estimate(NamedTuple):
    """Where the object is in one image.

    Attributes:
        box: x, y, w, h in pixels of the image; x, y is the left upper corner, and a box over the
            whole image is (0, 0, width, height).
        score: the head's probability at the chosen cell, in (0, 1).
    """

    box: Box
    score: float


@dataclass(frozen=True)
class Prompt:
    """What tells a tracker which object to follow: a box, a text, or both.

    Attributes:
        box: x, y, w, h in pixels of the image the prompt is given on.
        text: a sentence about the object; may be empty.
    """

    box: Box | None = None
    text: str = ""

    @classmethod
    def of(cls, kind: PromptKind, box: Box, text: str) -> "Prompt":
        """Return the parts of an annotation that a kind of prompt uses."""
        return cls(None if kind == "text" else box, "" if kind == "box" else text)

    @property
    def empty(self) -> bool:
        """Whether it names nothing to follow."""
        return self.box is None and not self.text.strip()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One frame of a tracked video.

    Attributes:
        frame: number of the frame in its source, from 0 on.
        time: seconds from the beginning of the source.
        box: x, y, w, h in pixels; the last box where the frame is damaged.
        score: in (0, 1]; 1 where a box was given, 0 where the frame is damaged.
        seconds: that the tracker took, without decoding; 0 where the frame is damaged.
        image: the frame, RGB uint8 (H, W, 3); ``None`` where it is damaged, or was dropped.
        damaged: whether the frame could not be decoded.
        present: probability, in [0, 1], that the object is in view; ``None`` where nothing says it.
        lost: whether the tracker says that it has lost the object.
    """

    frame: int
    time: float
    box: Box
    score: float
    seconds: float = 0.0
    image: Image | None = field(default=None, repr=False, compare=False)
    damaged: bool = False
    present: float | None = None
    lost: bool = False

    def without_image(self) -> "Step":
        """Return the same without the image, to be kept for long."""
        return replace(self, image=None)
