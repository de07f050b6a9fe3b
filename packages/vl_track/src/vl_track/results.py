"""Boxes in the layouts of the field's result files.

``pytracking``: ``lib/test/evaluation/running.py`` of OSTrack; ``got10k``: the GOT-10k toolkit;
``lasot``: LaSOT's ``groundtruth.txt``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.atomic import write_text
from holdfast.errors import DataError
from vl_track.data.geometry import Box
from vl_track.data.numbers import parse_rows

Layout = Literal["got10k", "lasot", "pytracking"]


def format_boxes(boxes: Sequence[Box], layout: Layout = "got10k") -> str:
    """Write one line ``x y w h`` a frame, the first one being the box given.

    Args:
        boxes: in pixels.
        layout: ``got10k`` (comma, three decimals), ``lasot`` (comma, whole numbers) or
            ``pytracking`` (tab, truncated to whole numbers as its toolkits do).
    """
    rows = {
        "got10k": lambda box: ",".join(f"{value:.3f}" for value in box),
        "lasot": lambda box: ",".join(str(round(value)) for value in box),
        "pytracking": lambda box: "\t".join(str(int(value)) for value in box),
    }
    return "".join(rows[layout](box) + "\n" for box in boxes)


def write_boxes(path: str | Path, boxes: Sequence[Box], layout: Layout = "got10k") -> None:
    """Write a result file atomically."""
    write_text(path, format_boxes(boxes, layout))


def read_boxes(path: str | Path) -> NDArray[np.float64]:
    """Read (T, 4) boxes, separated by commas, tabs or blanks.

    Raises:
        DataError: missing, or not four numbers a line.
    """
    path = Path(path)
    try:
        boxes = parse_rows(path.read_bytes(), 4, str(path))
    except (OSError, DataError) as error:
        raise DataError(f"{path} is not a readable file of boxes ({error}).") from error
    if len(boxes) == 0:
        raise DataError(f"{path} must hold four numbers a line: x, y, width, height.")
    return boxes
