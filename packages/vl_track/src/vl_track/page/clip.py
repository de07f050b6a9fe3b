"""A visitor's clip: checked before it is decoded, then its frames as pictures for the page."""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2

from holdfast.errors import ConfigError, DataError
from vl_track.video.frames import Image
from vl_track.video.reading import frame_at, open_source

ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".avi")
"""Of the files that the page asks for; what a file is, its first bytes say."""
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
SHOWN_SIDE = 1280
"""Longer side of the pictures that the page shows, at most; the tracker sees every pixel."""
QUALITY = 82


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a visitor may send.

    Attributes:
        megabytes: of a file.
        frames: of one clip; the page says so if it leaves out the rest.
        side: the longest of a frame, in pixels.
        objects: tracked at once.
    """

    megabytes: float = 200.0
    frames: int = 1500
    side: int = 4096
    objects: int = 6


@dataclass
class Clip:
    """A video somebody chose, and how much of it can be shown.

    Attributes:
        file: the video.
        name: the visitor's, for messages.
        folder: of the pictures.
        width: of a frame, in pixels.
        height: likewise.
        rate: frames a second.
        count: frames that the file promises; those it has once ``read`` is set.
        most: frames that are used at most.
        whole: whether that is all of the file.
        times: of the frames whose pictures are there, in seconds.
        pictures: for each of them the number of the picture that is shown; a damaged frame shows
            the one before.
        read: whether all are there.
        trouble: what ended the reading early, as a sentence.
    """

    file: Path
    name: str
    folder: Path
    width: int
    height: int
    rate: float
    count: int
    most: int
    whole: bool = True
    times: list[float] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    read: bool = False
    trouble: str = ""

    def picture(self, number: int) -> Path:
        """Return the file of a frame's picture."""
        return self.folder / f"{self.pictures[number]:06d}.jpg"


def kind_of(file: Path) -> str | None:
    """Return FFmpeg's name of a container by its first bytes; ``None`` for all that is no video.

    FFmpeg's own guess also knows playlists and lists of files, which name other files to read.
    """
    with file.open("rb") as opened:
        start = opened.read(12)
    if start.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if start.startswith(b"RIFF") and start[8:12] in {b"AVI ", b"AVIX"}:
        return "avi"
    return "mov" if start[4:8] in _BOXES else None


def open_clip(file: Path, name: str, limits: Limits) -> Clip:
    """Look at a video: what it is and how large, then its first frame.

    Args:
        file: the video, in a folder that the pictures may be written to.
        name: the visitor's, for messages.
        limits: checked before a frame is decoded.

    Raises:
        ConfigError: over a limit.
        DataError: no readable video, or without a readable first frame.
    """
    kind = kind_of(file)
    if kind is None:
        raise DataError(f"{name} is no video that this page knows ({', '.join(ENDINGS)}).")
    broken = DataError(f"{name} is damaged, or in a format that cannot be read: convert it to MP4.")
    width, height = announced_size(file, kind, broken)
    _check_side(name, width, height, limits)
    try:
        source = open_source(str(file))
        first = frame_at(file, 0)
    except DataError as error:
        raise broken from error
    height, width = first.shape[:2]
    _check_side(name, width, height, limits)
    count = min(source.count or limits.frames, limits.frames)
    return Clip(file=file, name=name, folder=file.parent, width=width, height=height,
                rate=source.rate, count=count, most=limits.frames)  # fmt: skip


def announced_size(file: Path, kind: str, broken: DataError) -> tuple[int, int]:
    """Return width and height as the file's header says; nothing is decoded.

    Raises:
        DataError: it has no header that can be read, or no video.
    """
    try:
        options = {"protocol_whitelist": "file"}
        with closing(av.open(str(file), format=kind, options=options)) as container:
            if not container.streams.video:
                raise broken
            codec = container.streams.video[0].codec_context
            if codec is None:
                raise broken
            return codec.width, codec.height
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise broken from error


def read_frames(clip: Clip, reserve: Callable[[int], None], ended: threading.Event) -> None:
    """Write every frame as a picture for the page.

    Args:
        clip: from :func:`open_clip`; filled as the frames come.
        reserve: told the bytes of each picture before it is written; may refuse.
        ended: once set, nothing more is written.

    Raises:
        DataError: the file cannot be read to its end; what was read stays.
        HoldfastError: ``reserve`` refused.
    """
    last = 0
    for frame in open_source(str(clip.file)).frames():
        if ended.is_set():
            return
        if frame.number >= clip.most:
            clip.whole = False
            break
        if frame.image is not None and frame.image.size:
            last = frame.number
            content = as_jpeg(frame.image)
            reserve(len(content))
            (clip.folder / f"{last:06d}.jpg").write_bytes(content)
        elif not clip.pictures:
            raise DataError("The first frame cannot be decoded.")
        clip.pictures.append(last)
        clip.times.append(frame.time)
        clip.count = max(clip.count, len(clip.times))


def finish_reading(clip: Clip, trouble: str = "") -> None:
    """Note that no more frames will come."""
    clip.count, clip.read, clip.trouble = len(clip.times), True, trouble


def as_jpeg(image: Image, side: int = SHOWN_SIDE) -> bytes:
    """Return an image as JPEG, made smaller if it is larger than the page shows.

    Args:
        image: RGB uint8 (H, W, 3).
        side: pixels of the longer side, at most.
    """
    height, width = image.shape[:2]
    factor = side / max(height, width)
    if factor < 1:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return bytes(coded.tobytes())


def _check_side(name: str, width: int, height: int, limits: Limits) -> None:
    if max(height, width) > limits.side:
        raise ConfigError(
            f"{name} has frames of {width} x {height} pixels, and {limits.side} are allowed on a "
            "side: make it smaller."
        )
