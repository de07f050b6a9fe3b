"""A rerun recording: the frames with the box on them, for rerun's viewer."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from holdfast.atomic import atomic_path
from holdfast.errors import MissingToolError
from vl_track.annotations.track import Track
from vl_track.video.reading import open_source


def write_rerun(track: Track, video: str, path: Path) -> None:
    """Write a ``.rrd`` with JPEG frames and boxes, by frame number and by time.

    Raises:
        MissingToolError: rerun-sdk is not installed.
    """
    if importlib.util.find_spec("rerun") is None:
        raise MissingToolError("A rerun recording needs rerun-sdk: `pip install rerun-sdk`.")
    rerun: Any = importlib.import_module("rerun")
    recording = rerun.RecordingStream("vl_track")
    with atomic_path(path) as temporary:
        recording.save(str(temporary))
        for box, frame in zip(track.boxes, open_source(video).frames(), strict=False):
            recording.set_time("frame", sequence=frame.number)
            recording.set_time("time", duration=frame.time)
            if frame.image is not None:
                recording.log("frame", rerun.Image(frame.image).compress(jpeg_quality=85))
            boxes = rerun.Boxes2D(array=[box], array_format=rerun.Box2DFormat.XYWH,
                                  labels=[track.sentence or track.label])  # fmt: skip
            recording.log("frame/object", boxes)
        recording.flush()
