"""Open whatever holds frames: a video file, an address, a folder of images, or a camera."""

import re
from fractions import Fraction
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from holdfast.errors import DataError
from vl_track.video.frames import Image
from vl_track.video.source import ADDRESS, Source

CAMERA = re.compile(r"camera(?::(\d+))?|/dev/video(\d+)")


def open_source(where: str) -> Source:
    """Open whatever holds frames.

    Args:
        where: path of a video or of a folder of images; ``camera``, ``camera:1`` or
            ``/dev/video0``; or an address that FFmpeg opens (``rtsp://``, ``http://``...).

    Raises:
        DataError: there is nothing to read.
    """
    from vl_track.video.folders import open_folder  # noqa: PLC0415  (OpenCV, when needed)
    from vl_track.video.streams import Camera, open_stream  # noqa: PLC0415  (PyAV)

    camera = CAMERA.fullmatch(where)
    if camera:
        device = f"/dev/video{camera.group(1) or camera.group(2) or 0}"
        return Camera(name="camera", live=True, time_base=Fraction(1, 1000), device=device)
    if ADDRESS.match(where):
        return open_stream(where, name=_name_of(where))
    path = Path(where).expanduser()
    if path.is_dir():
        return open_folder(path)
    if not path.is_file():
        raise DataError(f"There is no video or folder at {path}: check the path.")
    return open_stream(str(path), name=path.stem)


def frame_at(where: str | Path, number: int) -> Image:
    """Return a frame of a source by its number, from 0 on.

    Raises:
        DataError: it cannot be decoded, or the video is shorter.
    """
    frame = next(islice(open_source(str(where)).frames(), number, None), None)
    if frame is None or frame.image is None:
        raise DataError(f"Frame {number} of {Path(where).name} cannot be decoded.")
    return frame.image


def _name_of(address: str) -> str:
    """Return a file name for an address; user names and passwords in it are left out."""
    parts = urlsplit(address)
    stem = Path(parts.path).stem or parts.hostname or parts.scheme
    return re.sub(r"[^\w.\-]+", "_", stem)
