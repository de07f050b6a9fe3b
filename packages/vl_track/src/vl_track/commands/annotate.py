"""``vl-track annotate``: boxes of a tracked video as annotation for other tools."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from holdfast.atomic import write_text
from holdfast.errors import ConfigError
from vl_track.annotations.coco import coco_text
from vl_track.annotations.cvat import cvat_text
from vl_track.annotations.lasot import write_lasot
from vl_track.annotations.mot import mot_text
from vl_track.annotations.rerun import write_rerun
from vl_track.annotations.track import Track
from vl_track.results import read_boxes
from vl_track.video.reading import frame_at, open_source

Format = Literal["coco", "mot", "cvat", "lasot", "rerun"]
TEXTS: dict[str, Callable[[Track], str]] = {"coco": coco_text, "mot": mot_text, "cvat": cvat_text}


def annotate(
    boxes: str,
    *,
    video: str,
    format: Format,  # noqa: A002  (the word users expect)
    out: str,
    label: str = "object",
    text: str = "",
) -> None:
    """Write the boxes of ``vl-track track --save`` as COCO, MOT, CVAT, LaSOT or rerun annotation.

    Args:
        boxes: file of boxes, one line a frame.
        video: the tracked video; it tells the size of the frames.
        format: ``coco`` (JSON), ``mot`` (MOTChallenge), ``cvat`` (CVAT for video 1.1), ``lasot`` (a
            sequence's folder) or ``rerun`` (a recording with the frames).
        out: file to write, or the folder for ``lasot``.
        label: what the object is.
        text: a sentence about it.
    """
    track = read_track(boxes, video, label, text)
    place = Path(out).expanduser()
    if format == "lasot":
        write_lasot(track, place)
    elif format == "rerun":
        write_rerun(track, video, place)
    else:
        write_text(place, TEXTS[format](track))
    sys.stdout.write(f"{len(track)} boxes of {track.name} as {format}: {place}\n")


def read_track(boxes: str, video: str, label: str, text: str) -> Track:
    """Read boxes and the video they belong to.

    Raises:
        ConfigError: there are more boxes than frames.
        DataError: one of the files cannot be read.
    """
    found = read_boxes(boxes)
    source = open_source(video)
    height, width = frame_at(Path(video).expanduser(), 0).shape[:2]
    if source.count and len(found) > source.count:
        raise ConfigError(
            f"{boxes} has {len(found)} boxes and {video} {source.count} frames: they do not belong "
            "together."
        )
    return Track(
        name=source.name, label=label, boxes=found, width=width, height=height, sentence=text
    )
