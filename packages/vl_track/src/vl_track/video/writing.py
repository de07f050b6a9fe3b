"""Overlay videos: whole or absent, with the times and the sound of their source."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from holdfast.atomic import atomic_path
from holdfast.errors import ConfigError, DiskError
from vl_track.video.frames import Image
from vl_track.video.sound import Sound
from vl_track.video.source import Source

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}


class VideoWriter:
    """Write RGB images as H.264; use :func:`video_writer`.

    Args:
        path: of the file.
        container_format: FFmpeg's name of the container.
        like: the source whose clock and sound are kept.
    """

    def __init__(self, path: Path, container_format: str, like: Source) -> None:
        self._container = av.open(str(path), "w", format=container_format)
        self._like = like
        self._stream: av.VideoStream | None = None
        self._sound: Sound | None = None
        self._begun = 0.0
        self._last = -1

    def write(self, image: Image, time: float | None = None) -> None:
        """Add an image; the first decides the size, later ones are resized to it.

        Args:
            image: RGB uint8 (H, W, 3).
            time: seconds in the source; by default the next image at the source's rate.
        """
        if self._stream is None:
            self._stream = self._add_stream(image)
            self._begun = time or 0.0
            self._sound = Sound.open(self._like.sound, self._container, self._begun)
        height, width = self._stream.height, self._stream.width
        if image.shape[0] - height in {0, 1} and image.shape[1] - width in {0, 1}:
            fitted = image[:height, :width]
        else:
            fitted = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(fitted), format="rgb24")
        frame.pts, frame.time_base = self._tick(time), self._like.time_base
        self._container.mux(self._stream.encode(frame))
        if self._sound is not None:
            self._sound.write_until(float(frame.pts * self._like.time_base))

    def close(self) -> None:
        """Flush and close."""
        try:
            if self._stream is not None:
                self._container.mux(self._stream.encode())
            if self._sound is not None:
                step = 1 / self._like.rate
                self._sound.write_until(float(self._last * self._like.time_base) + step)
        finally:
            if self._sound is not None:
                self._sound.close()
            self._container.close()

    def _add_stream(self, image: Image) -> "av.VideoStream":
        rate = Fraction(self._like.rate).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate)
        # 4:2:0 colour needs even sides: an odd image loses its last row or column.
        stream.height, stream.width = (max(2, side // 2 * 2) for side in image.shape[:2])
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "20", "preset": "veryfast"}
        stream.codec_context.time_base = self._like.time_base
        return stream

    def _tick(self, time: float | None) -> int:
        """Return a time in ticks of the source's clock, later than the last one."""
        base = self._like.time_base
        if time is None:
            tick = 0 if self._last < 0 else self._last + round(1 / (self._like.rate * base))
        else:
            tick = round((time - self._begun) / float(base))
        self._last = max(tick, self._last + 1)
        return self._last


@contextmanager
def video_writer(path: str | Path, like: Source | float) -> Iterator[VideoWriter]:
    """Open a writer whose file appears only when everything was written.

    Args:
        path: ending in ``.mp4``, ``.mkv`` or ``.mov``.
        like: the source whose times and sound are kept, or frames a second.

    Raises:
        ConfigError: another ending.
        DiskError: the file cannot be written.
    """
    path = Path(path)
    kind = container_of(path)
    if not isinstance(like, Source):
        rate = Fraction(like).limit_denominator(1001)
        like = Source(name=path.stem, rate=float(rate), time_base=1 / rate)
    with atomic_path(path) as temporary:
        try:
            with closing(VideoWriter(temporary, kind, like)) as writer:
                yield writer
        except av.error.FFmpegError as error:
            raise DiskError(f"{path} could not be written ({error}): free some space.") from error


def container_of(path: Path) -> str:
    """Return FFmpeg's name of a file's container.

    Raises:
        ConfigError: its ending names none that is written here.
    """
    kind = CONTAINERS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(
            f"{path.name} names no video format: end it in {', '.join(sorted(CONTAINERS))}."
        )
    return kind
