"""Frames from a video file, a folder of pictures, or a camera."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from holdfast.errors import DataError
from vl_track.data.video import Picture

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
CAMERA_RATE = 25.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something frames can be read from, again and again unless it is a camera.

    Attributes:
        name: for file names and messages.
        rate: frames a second.
        count: number of frames if known, else 0.
    """

    name: str
    rate: float
    count: int

    def frames(self) -> Iterator[Picture | None]:
        """Yield upright RGB uint8 (H, W, 3) frames; ``None`` for one that cannot be decoded."""
        raise NotImplementedError


def open_source(where: str) -> Source:
    """Open a video file, a folder of pictures, or a camera.

    Args:
        where: path, or ``camera`` / ``camera:1`` / ``/dev/video0``.

    Raises:
        DataError: there is nothing to read.
    """
    camera = re.fullmatch(r"camera(?::(\d+))?|/dev/video(\d+)", where)
    if camera:
        return Camera(name="camera", rate=CAMERA_RATE, count=0, device=_device(camera))
    path = Path(where).expanduser()
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise DataError(f"There is no video or folder at {path}: check the path.")
    return _open_file(path)


def frame_at(path: Path, number: int) -> Picture:
    """Return a frame of a video by its number, from 0 on.

    Raises:
        DataError: it cannot be decoded, or the video is shorter.
    """
    frame = next(islice(open_source(str(path)).frames(), number, None), None)
    if frame is None:
        raise DataError(f"Frame {number} of {path.name} cannot be decoded.")
    return frame


@dataclass(frozen=True, kw_only=True)
class VideoFile(Source):
    """A video, decoded by FFmpeg through PyAV; rotation metadata is applied."""

    path: Path

    def frames(self) -> Iterator[Picture | None]:
        """Yield frames; a packet that cannot be decoded gives ``None``."""
        with _open_container(self.path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets)
                    decoded = packet.decode()
                except StopIteration:
                    return
                except av.error.InvalidDataError:
                    yield None
                    continue
                except av.error.FFmpegError as error:
                    raise DataError(f"{self.path} cannot be read further ({error}).") from error
                for frame in decoded:
                    yield upright(_rgb(frame), frame.rotation)


@dataclass(frozen=True, kw_only=True)
class Folder(Source):
    """Pictures in the order of the numbers in their names."""

    paths: tuple[Path, ...]

    def frames(self) -> Iterator[Picture | None]:
        """Yield pictures; an unreadable one gives ``None``."""
        for path in self.paths:
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
            yield None if picture is None else np.ascontiguousarray(picture[..., ::-1])


@dataclass(frozen=True, kw_only=True)
class Camera(Source):
    """A camera of Video4Linux, until the user stops."""

    device: str

    def frames(self) -> Iterator[Picture | None]:
        """Yield frames for ever."""
        try:
            container = av.open(self.device, format="v4l2")
        except (av.error.FFmpegError, ValueError) as error:
            raise DataError(f"The camera {self.device} cannot be opened ({error}).") from error
        with container:
            for frame in container.decode(video=0):
                yield _rgb(frame)


def _rgb(frame: av.VideoFrame) -> Picture:
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def upright(picture: Picture, rotation: int) -> Picture:
    """Turn a decoded picture as its metadata says, so that it stands as players show it.

    Args:
        picture: (H, W, 3) as stored.
        rotation: degrees, anticlockwise (PyAV's ``VideoFrame.rotation``).
    """
    turns = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, turns)) if turns else picture


def _open_file(path: Path) -> VideoFile:
    with _open_container(path) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate
        return VideoFile(
            name=path.stem,
            rate=float(rate) if rate else CAMERA_RATE,
            count=stream.frames,
            path=path,
        )


def _open_container(path: Path) -> "av.container.InputContainer":
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, ValueError) as error:
        raise DataError(f"{path} is not a readable video ({error}): give another file.") from error
    if not container.streams.video:
        container.close()
        raise DataError(f"{path} holds no video stream: give a video.")
    return container


def _open_folder(folder: Path) -> Folder:
    found = [path for path in folder.iterdir() if path.suffix.lower() in PICTURES]
    if not found:
        raise DataError(f"{folder} holds no pictures ({', '.join(sorted(PICTURES))}).")
    paths = tuple(sorted(found, key=lambda path: natural_key(path.name)))
    return Folder(name=folder.name, rate=CAMERA_RATE, count=len(paths), paths=paths)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key under which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def _device(camera: "re.Match[str]") -> str:
    return f"/dev/video{camera.group(1) or camera.group(2) or 0}"
