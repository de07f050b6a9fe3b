"""What is annotated: the boxes of one object through a video."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Track:
    """One object through a video.

    Attributes:
        name: of the video.
        label: what the object is.
        boxes: (T, 4) x, y, width, height in pixels; x, y is the left upper corner, from 0 on.
        width: of the frames.
        height: of the frames.
        sentence: about the object; may be empty.
    """

    name: str
    label: str
    boxes: NDArray[np.float64]
    width: int
    height: int
    sentence: str = ""

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.boxes)
