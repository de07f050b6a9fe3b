"""A video of a data set on disk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.data.jpeg import decode_jpeg, shrinking
from vl_track.data.geometry import Box, Window, as_box
from vl_track.data.images import crop_content, decode_image, read_content
from vl_track.data.truth import TrueSequence
from vl_track.data.video import crop_shrunk
from vl_track.video.frames import Image


@dataclass(frozen=True, kw_only=True, eq=False)
class FileVideo:
    """A video of a data set; satisfies :class:`vl_track.data.video.Video`.

    Attributes:
        name: unique in its data set.
        images: one file a frame, in order; a path may lead through a zip or tar file.
        boxes: (T, 4), the file's own numbers, as every toolkit compares them (LaSOT and TNL2K count
            pixels from 1, and nobody in the field shifts them).
        visibility: (T,) whether the object can be seen.
        sentence: about the object; empty if there is none.
        class_name: of the object, where the data set has one.
        attributes: names of what makes it hard.
        absent: (T,) the evaluation's absence flags, where they differ from ``visibility``.
        faults: what is wrong with its files, a sentence each, and what was done about it.
        size: width, height, where the annotation says it.
        scaled: decode JPEG at half, a quarter or an eighth where a crop is shrunk as much.
    """

    name: str
    images: Sequence[Path] = field(repr=False)
    boxes: NDArray[np.float64] = field(repr=False)
    visibility: NDArray[np.bool_] = field(repr=False)
    sentence: str = ""
    class_name: str = ""
    attributes: frozenset[str] = frozenset()
    absent: NDArray[np.bool_] | None = field(default=None, repr=False)
    faults: tuple[str, ...] = ()
    size: tuple[float, float] | None = None
    scaled: bool = False

    def __len__(self) -> int:
        """Return the number of frames that have both an image and a box."""
        return len(self.boxes)

    def frame(self, time: int) -> Image:
        """Decode a frame to RGB.

        Raises:
            ImageError: missing or damaged.
        """
        path = self.images[time]
        return decode_image(read_content(path), str(path))

    def box(self, time: int) -> Box:
        """Return the true box."""
        return as_box(self.boxes[time])

    def visible(self, time: int) -> bool:
        """Tell whether the object can be seen."""
        return bool(self.visibility[time])

    def crop(self, time: int, window: Window, size: int) -> Image:
        """Return a window of a frame."""
        path = self.images[time]
        content = read_content(path)
        shrink = shrinking(window.side, size) if self.scaled else 1
        small = decode_jpeg(content, shrink=shrink) if shrink > 1 else None
        if small is not None:
            return crop_shrunk(small, window, size, shrink)
        return crop_content(content, str(path), window, size)

    def truth(self) -> TrueSequence:
        """Return what the evaluator needs."""
        return TrueSequence(
            name=self.name,
            boxes=self.boxes,
            visible=None if self.absent is None else ~self.absent,
            attributes=self.attributes,
            size=self.size,
            sentence=self.sentence,
            remarks=tuple(f"{self.name}: {fault}" for fault in self.faults),
        )
