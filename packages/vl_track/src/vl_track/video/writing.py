"""Overlay videos, whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from holdfast.atomic import atomic_path
from holdfast.errors import ConfigError, DiskError
from vl_track.data.geometry import Box
from vl_track.data.video import Picture

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}
GREEN, GREY = (40, 220, 60), (150, 150, 150)


class VideoWriter:
    """Write RGB frames as H.264; use :func:`video_writer`."""

    def __init__(self, path: Path, container_format: str, rate: float) -> None:
        self._container = av.open(str(path), "w", format=container_format)
        self._rate = Fraction(rate).limit_denominator(1000)
        self._stream: av.VideoStream | None = None

    def write(self, frame: Picture) -> None:
        """Add a frame; the first decides the size, later ones are fitted to it."""
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=self._rate)
            # 4:2:0 colour needs even sides: an odd picture loses its last row or column.
            self._stream.height, self._stream.width = (max(2, s // 2 * 2) for s in frame.shape[:2])
            self._stream.pix_fmt = "yuv420p"
            self._stream.options = {"crf": "20", "preset": "veryfast"}
        height, width = self._stream.height, self._stream.width
        if frame.shape[0] - height in {0, 1} and frame.shape[1] - width in {0, 1}:
            fitted = frame[:height, :width]
        else:
            fitted = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(fitted), format="rgb24")
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Flush and close."""
        if self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()


@contextmanager
def video_writer(path: str | Path, rate: float) -> Iterator[VideoWriter]:
    """Open a writer whose file appears only when everything was written.

    Args:
        path: ending in ``.mp4``, ``.mkv`` or ``.mov``.
        rate: frames a second.

    Raises:
        ConfigError: another ending.
        DiskError: the file cannot be written.
    """
    path = Path(path)
    kind = CONTAINERS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(
            f"{path.name} names no video format: end it in {', '.join(sorted(CONTAINERS))}."
        )
    with atomic_path(path) as temporary:
        try:
            writer = VideoWriter(temporary, kind, rate)
            yield writer
            writer.close()
        except av.error.FFmpegError as error:
            raise DiskError(f"{path} could not be written ({error}): free some space.") from error


def draw_estimate(
    frame: Picture, box: Box, score: float | str, text: str, *, sure: bool = True
) -> Picture:
    """Return a copy of the frame with box, score (or words in its place) and sentence on it."""
    picture = frame.copy()
    height, width = picture.shape[:2]
    thick = max(1, round(min(height, width) / 200))
    size = max(0.35, min(height, width) / 700)
    colour = GREEN if sure else GREY
    x, y, w, h = (round(value) for value in box)
    cv2.rectangle(picture, (x, y), (x + w, y + h), colour, thick)
    words = score if isinstance(score, str) else f"{score:.2f}"
    _label(picture, words, (x, max(y - 4, round(22 * size))), size, colour)
    if text:
        room = max(8, int(width / (11 * size)))
        shown = text if len(text) <= room else text[: room - 3] + "..."
        _label(picture, shown, (6, height - 8), size, (255, 255, 255))
    return picture


def _label(
    picture: Picture, words: str, place: tuple[int, int], size: float, colour: tuple[int, int, int]
) -> None:
    """Write on a dark outline, readable on any ground."""
    for shade, width in (((0, 0, 0), 3), (colour, 1)):
        cv2.putText(
            picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, shade, width, cv2.LINE_AA
        )
