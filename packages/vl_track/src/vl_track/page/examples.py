"""Three clips that come by pip, each with a box and a sentence, for the first click."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.errors import DataError, MissingToolError
from vl_track.data.clips import pip_clip
from vl_track.data.geometry import Box
from vl_track.page.clip import as_jpeg
from vl_track.video.reading import frame_at

THUMBNAIL_SIDE = 360


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example.

    Attributes:
        file: of the clip.
        title: shown below the thumbnail.
        name: of the object.
        size: width and height of the clip, in pixels.
        box: on the frame ``frame``.
        text: about the object.
        frame: number of the frame that the box is drawn on.
        end: frames that are used at most; the scene ends there.
    """

    file: str
    title: str
    name: str
    size: tuple[int, int]
    box: Box
    text: str
    frame: int = 0
    end: int = 10_000

    def objects(self) -> list[dict[str, Any]]:
        """Return what a visitor would have drawn and typed."""
        prompt = {"frame": self.frame, "box": list(self.box), "text": self.text, "stay": False}
        return [{"id": 1, "name": self.name, "prompts": [prompt]}]


# Boxes of data/sets/real_clips: face.csv, bicycle.csv, rabbit.csv.
EXAMPLES = (
    Example(file="carphone_pristine.mp4", title="A man in a car", name="Face",
            size=(176, 144), box=(61.0, 13.0, 54.0, 89.0), text="the face"),
    Example(file="bikes.mp4", title="A bicycle and passers-by", name="Bicycle", frame=187, end=242,
            size=(640, 272), box=(294.0, 3.0, 267.0, 197.0), text="the bicycle"),
    Example(file="bigbuckbunny.mp4", title="A cartoon rabbit", name="Rabbit",
            size=(1280, 720), box=(236.0, 256.0, 289.0, 299.0), text="the rabbit"),
)  # fmt: skip


def installed_examples() -> list[tuple[Example, Path]]:
    """Return the examples whose clips are installed."""
    found = []
    for one in EXAMPLES:
        try:
            found.append((one, pip_clip(one.file)))
        except (MissingToolError, DataError):  # the page is as useful without
            continue
    return found


@functools.cache
def thumbnail(path: Path, frame: int) -> bytes:
    """Return a JPEG of a clip's frame."""
    return as_jpeg(frame_at(path, frame), THUMBNAIL_SIDE)
