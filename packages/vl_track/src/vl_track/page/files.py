"""The files that a visitor takes home: boxes as text, and the video with boxes drawn in."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from holdfast.serving.errors import PageError
from vl_track.data.geometry import Box
from vl_track.page.clip import Clip
from vl_track.page.objects import Found, Tracked
from vl_track.results import format_boxes
from vl_track.video.drawing import draw_estimate
from vl_track.video.reading import open_source
from vl_track.video.writing import video_writer

Sureness = Literal["sure", "unsure", "lost"]
SURE, LOST = 0.4, 0.2
"""Scores that tell sure, unsure and lost apart: ``found_score`` and ``lost_score`` of the tracker's
options, at which a lost object counts as found, and a followed one as lost."""
PRESENT, ABSENT = 0.75, 0.5
"""The same for a model that says how likely the object is there."""


def sureness(found: Found) -> Sureness:
    """Return how much a result is worth, in one of three words."""
    value, high, low = (
        (found.score, SURE, LOST) if found.present is None else (found.present, PRESENT, ABSENT)
    )
    return "sure" if value >= high else "unsure" if value >= low else "lost"


def boxes_text(one: Tracked) -> str:
    """Return an object's boxes, one line ``x,y,width,height`` for each frame from its first on.

    Raises:
        PageError: it has not been tracked with its present prompts.
    """
    boxes: list[Box] = []
    for number in range(one.start if one.drawn else 0, one.fresh):
        if number not in one.found:
            break
        boxes.append(one.found[number].box)
    if not boxes:
        raise PageError(409, f"{one.name} has not been tracked yet.")
    return format_boxes(boxes)


def write_overlay(
    path: Path, clip: Clip, objects: Sequence[Tracked], ended: threading.Event
) -> None:
    """Write the clip with every object's box, name and sentence.

    Args:
        path: of the MP4.
        clip: whose frames are drawn on.
        objects: only results of their present prompts are drawn.
        ended: once set, the clip is gone, or the page ends.

    Raises:
        PageError: there is nothing to draw, or it has ended.
        DiskError: the file cannot be written.
    """
    tracked = [one for one in objects if one.drawn and one.fresh > one.start]
    if not tracked:
        raise PageError(409, "Nothing has been tracked yet.")
    last = max(one.fresh for one in tracked)
    source = open_source(str(clip.file))
    image = None
    with video_writer(path, source) as writer:
        for frame in source.frames():
            if frame.number >= last:
                break
            if ended.is_set():
                raise PageError(404, "This clip is not kept any more.")
            image = image if frame.image is None else frame.image
            if image is None:
                continue
            drawn = image
            for index, one in enumerate(objects):
                found = one.found.get(frame.number) if frame.number < one.fresh else None
                if found is not None:
                    words, sure = _label(one, found)
                    drawn = draw_estimate(
                        drawn, found.box, words, one.text_at(frame.number), sure=sure, index=index
                    )
            writer.write(drawn, frame.time)


def _label(one: Tracked, found: Found) -> tuple[str, bool]:
    known = sureness(found)
    words = {"sure": one.name, "unsure": f"{one.name}: unsure", "lost": f"{one.name}: lost?"}
    return words[known], known != "lost"
