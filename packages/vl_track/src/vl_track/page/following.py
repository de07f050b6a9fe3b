"""What the page does with a clip; nothing here knows of gradio."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import Box
from vl_track.nn.network import AllInOne
from vl_track.results import write_boxes
from vl_track.tracking import Prompt, Step, Tracker, TrackerOptions, follow
from vl_track.video.drawing import draw_estimate
from vl_track.video.reading import frame_at, open_source
from vl_track.video.writing import video_writer

VIDEOS = (".mp4", ".mov", ".mkv", ".avi", ".webm")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a visitor may upload.

    Attributes:
        megabytes: of an upload.
        frames: tracked of one clip; the page says so if it leaves out the rest.
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


@dataclass
class Clicks:
    """Two corners make a box; a third click begins a new one.

    Attributes:
        corner: the first corner, until the second is there.
        boxes: drawn so far, by frame number.
    """

    corner: tuple[int, int] | None = None
    boxes: dict[int, Box] = field(default_factory=dict)

    def click(self, number: int, x: int, y: int) -> Box | None:
        """Take a click on a frame; returns the box once there are two corners."""
        if self.corner is None:
            self.corner = (x, y)
            return None
        (x0, y0), self.corner = self.corner, None
        box = (float(min(x, x0)), float(min(y, y0)), float(abs(x - x0)), float(abs(y - y0)))
        if box[2] < 2 or box[3] < 2:
            raise ConfigError(
                "The two corners are less than two pixels apart: click two opposite corners."
            )
        self.boxes[number] = box
        return box


def open_clip(path: str | Path, limits: Limits) -> Clip:
    """Look at a video and check it against the limits.

    Raises:
        ConfigError: of another type, or over a limit.
        DataError: no readable video, or without a readable first frame.
    """
    file = Path(path)
    if file.suffix.lower() not in VIDEOS:
        raise ConfigError(f"{file.name} is no video of a known type ({', '.join(VIDEOS)}).")
    if not file.is_file():
        raise DataError("The uploaded video is gone: upload it again.")
    megabytes = file.stat().st_size / 1e6
    if megabytes > limits.megabytes:
        raise ConfigError(
            f"{file.name} has {megabytes:.0f} MB, and {limits.megabytes:g} are allowed: cut it."
        )
    source = open_source(str(file))
    height, width = frame_at(file, 0).shape[:2]
    if max(height, width) > limits.side:
        raise ConfigError(
            f"{file.name} has frames of {width} x {height} pixels, and {limits.side} are allowed "
            "on a side: make it smaller."
        )
    count = source.count or sum(1 for _ in islice(source.frames(), limits.frames + 1))
    kept = min(count, limits.frames)
    return Clip(path=file, rate=source.rate, count=kept, whole=kept == count)


def track_clip(
    network: AllInOne, clip: Clip, boxes: Mapping[int, Box], text: str, device: str = "cpu"
) -> Iterator[Step]:
    """Track through a clip; a box drawn on a later frame corrects the tracker from there on.

    Args:
        network: in evaluation mode; may be shared between visitors.
        clip: from :func:`open_clip`.
        boxes: drawn boxes by frame number.
        text: a sentence; without a box on the first frame it finds the object there.
        device: of the network.

    Raises:
        ConfigError: there is neither a box on the first frame nor a text.
    """
    if 0 not in boxes and not text.strip():
        raise ConfigError(
            "The prompt is empty: click two corners of a box on the first frame, type a sentence, "
            "or both."
        )
    later = {number: Prompt(box, text) for number, box in boxes.items() if number > 0}
    frames = islice(open_source(str(clip.path)).frames(), clip.count)
    tracker = Tracker(network, TrackerOptions(), device)
    return follow(tracker, frames, Prompt(boxes.get(0), text), later=later)


def write_results(folder: Path, clip: Clip, steps: list[Step], text: str) -> tuple[Path, Path]:
    """Write boxes and the overlay video of a finished track; returns both files."""
    lines, video = folder / f"{clip.path.stem}_boxes.txt", folder / f"{clip.path.stem}_overlay.mp4"
    write_boxes(lines, [step.box for step in steps])
    source = open_source(str(clip.path))
    with video_writer(video, source) as writer:
        image = frame_at(clip.path, 0)
        for step, frame in zip(steps, source.frames(), strict=False):
            image = image if frame.image is None else frame.image
            writer.write(draw_estimate(image, step.box, step.score, text), step.time)
    return lines, video
