"""``vl-track annotate``: boxes of a tracked video as annotation for other tools."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from holdfast.atomic import write_text
from holdfast.errors import ConfigError
from holdfast.outputs import check_files
from vl_track.annotations.coco import coco_text
from vl_track.annotations.cvat import cvat_text
from vl_track.annotations.lasot import LASOT_FILES, write_lasot
from vl_track.annotations.mot import mot_text
from vl_track.annotations.rerun import write_rerun
from vl_track.annotations.track import Track
from vl_track.tracking.saving import first_frame, read_tracked
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
    number: int = 1,
    overwrite: bool = False,
) -> None:
    """Write the boxes of ``vl-track track --save`` as COCO, MOT, CVAT, LaSOT or rerun annotation.

    Args:
        boxes: file of boxes, ``.txt`` (one line a frame), ``.csv`` or ``.json``.
        video: the tracked video; it tells the size of the frames.
        format: ``coco`` (JSON), ``mot`` (MOTChallenge), ``cvat`` (CVAT for video 1.1), ``lasot`` (a
            sequence's folder) or ``rerun`` (a recording with the frames).
        out: file to write, or the folder for ``lasot``.
        label: what the object is.
        text: a sentence about it.
        number: of the object, where ``boxes`` has several.
        overwrite: replace outputs that exist. An input is never replaced.
    """
    path = Path(out).expanduser()
    outputs = [path / name for name in LASOT_FILES] if format == "lasot" else [path]
    check_files(outputs, [boxes, video], overwrite=overwrite)
    track = read_track(boxes, video, label, text, number)
    if format == "lasot":
        write_lasot(track, path)
    elif format == "rerun":
        write_rerun(track, video, path)
    else:
        write_text(path, TEXTS[format](track))
    sys.stdout.write(f"{len(track)} boxes of {track.name} as {format}: {path}\n")


def read_track(boxes: str, video: str, label: str, text: str, number: int = 1) -> Track:
    """Read boxes and the video they belong to.

    Raises:
        ConfigError: there are more boxes than frames.
        DataError: one of the files cannot be read.
    """
    file = Path(boxes).expanduser()
    found, first = read_tracked(file, number), first_frame(file, number)
    if first:
        raise ConfigError(
            f"{boxes} begins at frame {first} of its video, and an annotation begins at the first: "
            "track without --start, or cut the video."
        )
    source = open_source(video)
    height, width = frame_at(video, 0).shape[:2]
    if source.count and len(found) > source.count:
        raise ConfigError(
            f"{boxes} has {len(found)} boxes and {video} {source.count} frames: they do not belong "
            "together."
        )
    return Track(
        name=source.name, label=label, boxes=found, width=width, height=height, sentence=text
    )
