"""Masks of the tracked objects as VOT's challenges read them: one line a frame."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.atomic import write_text
from vl_track.data.geometry import Box
from vl_track.segmenting import Mask, Segmenter
from vl_track.tracking.result import TrackResult
from vl_track.tracking.steps import Step

ABSENT = "0"
"""What stands for a frame without the object."""
PRESENT = 0.5
"""Least probability of presence at which a mask is given."""


def mask_name(sequence: str, sentence: str) -> str:
    """Return the file of one prompt of a sequence: ``<sequence>_<first 8 of its MD5>.txt``."""
    digest = hashlib.md5(sentence.encode(), usedforsecurity=False).hexdigest()
    return f"{sequence}_{digest[:8]}.txt"


def mask_text(mask: Mask) -> str:
    """Return a mask as a line of the VOT toolkit (``vot/region/io.py``).

    ``m``, then left, top, width and height of the smallest rectangle with all of it, then lengths
    of runs in the rectangle, row by row: pixels without the object first, of which there may be 0.

    Args:
        mask: bool (H, W).

    Returns:
        The line; ``0`` for an empty mask.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return ABSENT
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
    counts = _runs(mask[top : top + height, left : left + width].ravel())
    return "m" + ",".join(map(str, [left, top, width, height, *counts]))


def _runs(flat: NDArray[np.bool_]) -> list[int]:
    """Return lengths of runs, beginning with one of false, which may be 0."""
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], ends, [len(flat)]])).tolist()
    return [0, *lengths] if flat[0] else lengths


class MaskWriter:
    """Takes every frame as it is tracked, and writes a file of masks for each object.

    Args:
        segmenter: from boxes to masks.
        files: one for each object.
    """

    def __init__(self, segmenter: Segmenter, files: list[Path]) -> None:
        self._segmenter, self._files = segmenter, files
        self._lines: list[list[str]] = [[] for _ in files]

    def __call__(self, steps: tuple[Step, ...], result: TrackResult) -> bool:
        """Segment the objects of one frame; a damaged frame has none."""
        image = steps[0].image
        seen = [number for number, step in enumerate(steps) if image is not None and _seen(step)]
        boxes: list[Box] = [steps[number].box for number in seen]
        masks = self._segmenter.masks(image, boxes) if image is not None and boxes else []
        found = dict(zip(seen, masks, strict=True))
        for number, lines in enumerate(self._lines):
            lines.append(mask_text(found[number]) if number in found else ABSENT)
        return True

    def write(self) -> None:
        """Write what there is; nothing where no frame was tracked."""
        for path, lines in zip(self._files, self._lines, strict=True):
            if lines:
                write_text(path, "\n".join(lines) + "\n")


def _seen(step: Step) -> bool:
    """Tell whether the object counts as in view: what presence says, else what the alarm says."""
    return not step.lost and (step.present is None or step.present >= PRESENT)
