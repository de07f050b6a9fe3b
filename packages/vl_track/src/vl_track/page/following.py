"""What the page does with a clip, without knowing of any page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import Box
from vl_track.data.video import Picture
from vl_track.nn.network import AllInOne
from vl_track.results import write_boxes
from vl_track.tracking.tracker import Tracker, TrackerOptions
from vl_track.video.reading import VideoFile, frame_at, open_source
from vl_track.video.writing import draw_estimate, video_writer

VIDEOS = (".mp4", ".mov", ".mkv", ".avi", ".webm")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a visitor may ask for.

    Attributes:
        megabytes: of an upload.
        frames: tracked of one clip; the rest is left out, and that is said.
        side: the longest of a frame, in pixels.
    """

    megabytes: float = 200.0
    frames: int = 1500
    side: int = 4096


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video somebody chose.

    Attributes:
        path: of the file.
        rate: frames a second.
        count: frames that will be tracked.
        whole: whether that is all of them.
    """

    path: Path
    rate: float
    count: int
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One frame and where the object is in it.

    Attributes:
        number: of the frame, from 0 on.
        frame: RGB uint8.
        box: x, y, width, height in pixels.
        score: in (0, 1]; 1 where the user drew the box.
    """

    number: int
    frame: Picture
    box: Box
    score: float

    def drawn(self, text: str) -> Picture:
        """Return the frame with box, score and sentence on it."""
        return draw_estimate(self.frame, self.box, self.score, text)


@dataclass
class Clicks:
    """Two corners make a box; a third click begins a new one.

    Attributes:
        corner: the first corner, until the second is there.
        told: boxes drawn so far, by frame number.
    """

    corner: tuple[int, int] | None = None
    told: dict[int, Box] = field(default_factory=dict)

    def click(self, number: int, x: int, y: int) -> Box | None:
        """Take a click on a frame; returns the box once there are two corners."""
        if self.corner is None:
            self.corner = (x, y)
            return None
        (x0, y0), self.corner = self.corner, None
        box = (float(min(x, x0)), float(min(y, y0)), float(abs(x - x0)), float(abs(y - y0)))
        if box[2] < 2 or box[3] < 2:
            raise ConfigError("The two corners are at the same place: click two opposite corners.")
        self.told[number] = box
        return box


def open_clip(path: str | Path, limits: Limits) -> Clip:
    """Look at a video and check it against the limits.

    Raises:
        ConfigError: of another type, or over a limit.
        DataError: no readable video, or without a readable first frame.
    """
    place = Path(path)
    if place.suffix.lower() not in VIDEOS:
        raise ConfigError(f"{place.name} is no video of a known type ({', '.join(VIDEOS)}).")
    if not place.is_file():
        raise DataError("The video is not there any more: give it again.")
    megabytes = place.stat().st_size / 1e6
    if megabytes > limits.megabytes:
        raise ConfigError(
            f"{place.name} has {megabytes:.0f} MB, and {limits.megabytes:g} are allowed: cut it."
        )
    source = open_source(str(place))
    assert isinstance(source, VideoFile)
    height, width = frame_at(place, 0).shape[:2]
    if max(height, width) > limits.side:
        raise ConfigError(
            f"{place.name} has frames of {width} x {height} pixels, and {limits.side} are allowed "
            "on a side: make it smaller."
        )
    count = source.count or sum(1 for _ in islice(source.frames(), limits.frames + 1))
    kept = min(count, limits.frames)
    return Clip(path=place, rate=source.rate, count=kept, whole=kept == count)


def follow(
    network: AllInOne, clip: Clip, told: Mapping[int, Box], text: str, device: str = "cpu"
) -> Iterator[Moment]:
    """Track through a clip; a box drawn on a later frame corrects the tracker from there on.

    Args:
        network: in evaluation mode; may be shared between visitors.
        clip: from :func:`open_clip`.
        told: boxes by frame number.
        text: a sentence; alone it finds the object in the first frame.
        device: of the network.

    Raises:
        ConfigError: nothing says what to follow in the first frame.
    """
    if 0 not in told and not text.strip():
        raise ConfigError(
            "Nothing says what to follow: click two corners of a box on the first frame, type a "
            "sentence, or both."
        )
    tracker = Tracker(network, TrackerOptions(), device)
    last = Moment(number=-1, frame=np.zeros((1, 1, 3), np.uint8), box=(0, 0, 1, 1), score=0.0)
    for number, frame in enumerate(islice(open_source(str(clip.path)).frames(), clip.count)):
        if frame is None:
            if number == 0:
                raise DataError(f"The first frame of {clip.path.name} cannot be decoded.")
            last = Moment(number=number, frame=last.frame, box=last.box, score=0.0)
        else:
            if number == 0 or number in told:
                found = tracker.initialize(frame, told.get(number), text)
            else:
                found = tracker.track(frame)
            last = Moment(number=number, frame=frame, box=found.box, score=found.score)
        yield last


def write_results(
    folder: Path, clip: Clip, boxes: list[Box], scores: list[float], text: str
) -> tuple[Path, Path]:
    """Write boxes and the overlay video of a finished track; returns both files."""
    lines, video = folder / f"{clip.path.stem}_boxes.txt", folder / f"{clip.path.stem}_overlay.mp4"
    write_boxes(lines, boxes)
    with video_writer(video, clip.rate) as writer:
        last = frame_at(clip.path, 0)
        for box, score, frame in zip(
            boxes, scores, open_source(str(clip.path)).frames(), strict=False
        ):
            last = last if frame is None else frame
            writer.write(draw_estimate(last, box, score, text))
    return lines, video
