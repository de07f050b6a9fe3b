"""The true boxes of one sequence, as evaluation needs them: no images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import DataError
from vl_track.data.video import Video


@dataclass(frozen=True, kw_only=True, eq=False)
class TrueSequence:
    """One annotated sequence.

    Attributes:
        name: unique in its benchmark.
        boxes: (T, 4) x, y, width, height as the data set gives them.
        visible: (T,) bool, or ``None`` where the data set flags nothing.
        attributes: names of what makes it hard.
        size: width, height of the images, where known.
        sentence: about the object; empty if there is none.
        remarks: what was wrong with its files, a sentence each, and what was done about it.
        every_frame: whether somebody looked at every frame. Where only some frames are annotated,
            the others are not visible, which only the convention ``plain`` leaves out.
    """

    name: str
    boxes: NDArray[np.float64]
    visible: NDArray[np.bool_] | None = None
    attributes: frozenset[str] = frozenset()
    size: tuple[float, float] | None = None
    sentence: str = ""
    remarks: tuple[str, ...] = ()
    every_frame: bool = True

    def __post_init__(self) -> None:
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4 or len(self.boxes) == 0:
            raise DataError(
                f"The ground truth of {self.name} must be four numbers a frame, and it is of shape "
                f"{self.boxes.shape}."
            )
        if self.visible is not None and len(self.visible) != len(self.boxes):
            raise DataError(
                f"{self.name} has {len(self.boxes)} boxes and {len(self.visible)} visibility "
                "flags: get the data set's current annotations."
            )


def truth_of(video: Video) -> TrueSequence:
    """Return the true boxes of any annotated video."""
    times = range(len(video))
    return TrueSequence(
        name=video.name,
        boxes=np.array([video.box(time) for time in times], dtype=np.float64),
        visible=np.array([video.visible(time) for time in times]),
        sentence=video.sentence,
    )
