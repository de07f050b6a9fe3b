"""Tracked boxes in files: CSV and JSON with everything, text in the layouts of the field."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from vl_track.results import Layout, format_boxes, read_boxes
from vl_track.tracking.result import TrackResult

COLUMNS = ("frame", "time", "object", "x", "y", "width", "height", "score", "present")
ENDINGS = (".csv", ".json", ".txt")
Row = tuple[int, int, list[float]]
"""Frame, object, box."""


def files_for(path: Path, objects: int) -> list[Path]:
    """Return the files that a result is written to.

    CSV and JSON hold all objects. The field's text layouts hold one: several objects make several
    files, ``boxes_1.txt``, ``boxes_2.txt``...

    Raises:
        ConfigError: the ending is none of ``.csv``, ``.json`` and ``.txt``.
    """
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(f"{path.name} names no format of boxes: end it in {', '.join(ENDINGS)}.")
    if path.suffix.lower() != ".txt" or objects == 1:
        return [path]
    return [path.with_name(f"{path.stem}_{index}{path.suffix}") for index in range(1, objects + 1)]


def save_result(path: Path, result: TrackResult, layout: Layout = "got10k") -> None:
    """Write the boxes of a result, each file whole or not at all.

    Args:
        path: ending in ``.csv`` (one row for each frame and object), ``.json`` (the same with the
            prompts), or ``.txt`` (one line ``x y w h`` for each frame).
        result: with at least one frame.
        layout: of ``.txt`` files.

    Raises:
        ConfigError: another ending.
        DiskError: a file cannot be written.
    """
    for index, file in enumerate(files_for(path, len(result.prompts))):
        if path.suffix.lower() == ".txt":
            text = format_boxes([step.box for step in result.of_object(index)], layout)
        else:
            text = _TEXTS[path.suffix.lower()](result)
        write_text(file, text)


def csv_text(result: TrackResult) -> str:
    """Return a header and one row for each frame and object."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, step in result.rows():
        numbers = [f"{value:.3f}" for value in step.box]
        present = "" if step.present is None else f"{step.present:.4f}"
        writer.writerow(
            [step.frame, f"{step.time:.6f}", number, *numbers, f"{step.score:.4f}", present]
        )
    return text.getvalue()


def json_text(result: TrackResult) -> str:
    """Return the video's name, the prompts and one record for each frame and object."""
    objects = [
        {"object": number, "text": prompt.text, "box": prompt.box and list(prompt.box)}
        for number, prompt in enumerate(result.prompts, start=1)
    ]
    rows = [
        {
            "frame": step.frame,
            "time": round(step.time, 6),
            "object": number,
            "box": [round(value, 3) for value in step.box],
            "score": round(step.score, 4),
            "present": None if step.present is None else round(step.present, 4),
        }
        for number, step in result.rows()
    ]
    content = {"video": result.name, "objects": objects, "ended_by": result.ended_by, "boxes": rows}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


_TEXTS: dict[str, Callable[[TrackResult], str]] = {".csv": csv_text, ".json": json_text}


def read_tracked(path: Path, number: int = 1) -> NDArray[np.float64]:
    """Read the (T, 4) boxes of one object from any of the three formats.

    Args:
        path: written by :func:`save_result`.
        number: id of the object in ``.csv`` and ``.json``.

    Raises:
        DataError: missing, malformed, or without that object.
    """
    if path.suffix.lower() not in _READERS:
        return read_boxes(path)
    return np.array([box for _, box in _rows(path, number)], dtype=np.float64)


def first_frame(path: Path, number: int = 1) -> int:
    """Return the number of the frame of the first box; 0 for text, which does not say it."""
    return _rows(path, number)[0][0] if path.suffix.lower() in _READERS else 0


def _rows(path: Path, number: int) -> list[tuple[int, list[float]]]:
    """Return (frame, box) of one object."""
    try:
        text = path.read_text(encoding="utf-8")
        rows = _READERS[path.suffix.lower()](text)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no file of boxes of `vl-track track` ({error!r}).") from error
    found = [(frame, box) for frame, one, box in rows if one == number]
    if not found:
        raise DataError(f"{path} has no boxes of object {number}.")
    return found


def _rows_of_csv(text: str) -> list[Row]:
    return [
        (int(row["frame"]), int(row["object"]), [float(row[key]) for key in COLUMNS[3:7]])
        for row in csv.DictReader(io.StringIO(text))
    ]


def _rows_of_json(text: str) -> list[Row]:
    found = []
    for row in json.loads(text)["boxes"]:
        x, y, width, height = (float(value) for value in row["box"])
        found.append((int(row["frame"]), int(row["object"]), [x, y, width, height]))
    return found


_READERS: dict[str, Callable[[str], list[Row]]] = {".csv": _rows_of_csv, ".json": _rows_of_json}
