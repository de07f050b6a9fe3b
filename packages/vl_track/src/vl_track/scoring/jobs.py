"""Running a tracker over a benchmark: one finished sequence is one whole file, never run again."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import Box
from vl_track.data.sets.base import FileVideo
from vl_track.results import Layout, format_boxes
from vl_track.scoring.runs import Follower, Told

RECORD = "run.json"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What makes the result files of two runs comparable.

    Attributes:
        dataset: its name.
        split: which part.
        told: what the tracker is told in the first frame.
        text: whether the sentences go to the tracker (the author's trick 5 leaves them out).
        layout: of the result files.
        weights: digest of the model, or its name.
        options: of the tracker.
    """

    dataset: str
    split: str
    told: Told
    text: bool
    layout: Layout
    weights: str
    options: dict[str, Any]

    @property
    def digest(self) -> str:
        """A short hash of all of it."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What happened to one sequence.

    Attributes:
        name: of the sequence.
        state: ``done``, ``kept`` (a complete result was there), or ``failed``.
        frames: tracked.
        tracking_seconds: of the tracker alone.
        seconds: with decoding.
        error: a sentence, where it failed.
    """

    name: str
    state: Literal["done", "kept", "failed"]
    frames: int = 0
    tracking_seconds: float = 0.0
    seconds: float = 0.0
    error: str = ""


def open_folder(folder: Path, plan: Plan) -> None:
    """Claim a result folder for a plan.

    Raises:
        ConfigError: the folder holds results of another plan; what differs is named.
    """
    path = folder / RECORD
    if path.is_file():
        try:
            there = json.loads(path.read_text())["plan"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is damaged: remove the folder {folder}.") from error
        mine = json.loads(json.dumps(asdict(plan)))
        differ = [key for key in mine if mine[key] != there.get(key)]
        if differ:
            raise ConfigError(
                f"{folder} holds results made with another {', '.join(differ)}: choose another "
                "--out, or remove the folder."
            )
        return
    write_text(path, json.dumps({"plan": asdict(plan), "digest": plan.digest}, indent=1) + "\n")


def is_complete(folder: Path, name: str, frames: int, plan: Plan) -> bool:
    """Tell whether a sequence's result is whole and made by the same plan.

    The mark of completion is written after the boxes and the times, and names the plan.
    """
    mark = folder / "done" / f"{name}.json"
    try:
        record = json.loads(mark.read_text())
    except (OSError, json.JSONDecodeError):
        return False
    if record.get("digest") != plan.digest or record.get("frames") != frames:
        return False
    files = (folder / f"{name}.txt", folder / f"{name}_time.txt")
    return all(file.is_file() and _lines(file) == frames for file in files)


def run_sequence(follower: Follower, video: FileVideo, folder: Path, plan: Plan) -> Outcome:
    """Track one sequence and write boxes, times and the mark of completion, in that order.

    Times are seconds a frame, decoding left out, the first of them of the start; what decoding
    takes is in the mark.

    Returns:
        The outcome; a picture that cannot be read makes it ``failed`` and leaves no file.
    """
    if is_complete(folder, video.name, len(video), plan):
        return Outcome(name=video.name, state="kept", frames=len(video))
    begun = time.perf_counter()
    try:
        boxes, seconds = _follow(follower, video, plan)
    except (DataError, ConfigError) as error:
        return Outcome(name=video.name, state="failed", error=str(error))
    total = time.perf_counter() - begun
    write_text(folder / f"{video.name}.txt", format_boxes(boxes, plan.layout))
    write_text(folder / f"{video.name}_time.txt", "".join(f"{s:.6f}\n" for s in seconds))
    mark = {
        "digest": plan.digest,
        "frames": len(video),
        "tracking_seconds": float(np.sum(seconds)),
        "seconds": total,
        "process": os.getpid(),
    }
    write_text(folder / "done" / f"{video.name}.json", json.dumps(mark) + "\n")
    return Outcome(
        name=video.name,
        state="done",
        frames=len(video),
        tracking_seconds=float(np.sum(seconds)),
        seconds=total,
    )


def run_everything(
    make: Callable[[], Follower], videos: Iterable[FileVideo], folder: Path, plan: Plan
) -> Iterator[Outcome]:
    """Track sequences one after the other in this process; the tracker is made when needed."""
    follower: Follower | None = None
    for video in videos:
        if is_complete(folder, video.name, len(video), plan):
            yield Outcome(name=video.name, state="kept", frames=len(video))
            continue
        follower = follower or make()
        yield run_sequence(follower, video, folder, plan)


def _follow(follower: Follower, video: FileVideo, plan: Plan) -> tuple[list[Box], list[float]]:
    boxes: list[Box] = []
    seconds = []
    text = video.sentence if plan.text and plan.told != "box" else ""
    for moment in range(len(video)):
        frame = video.frame(moment)
        begun = time.perf_counter()
        if moment == 0:
            start = None if plan.told == "sentence" else video.box(0)
            estimate = follower.initialize(frame, start, text)
        else:
            estimate = follower.track(frame)
        seconds.append(time.perf_counter() - begun)
        # The field's files begin with the box that was given.
        boxes.append(video.box(0) if moment == 0 and plan.told != "sentence" else estimate.box)
    return boxes, seconds


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def summary(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return counts, and frames a second of this launch with decoding left out and included."""
    found = list(outcomes)
    done = [one for one in found if one.state == "done"]
    frames = sum(one.frames for one in done)
    tracking = sum(one.tracking_seconds for one in done)
    seconds = sum(one.seconds for one in done)
    return {
        "done": len(done),
        "kept": sum(one.state == "kept" for one in found),
        "failed": {one.name: one.error for one in found if one.state == "failed"},
        "frames": frames,
        "frames_per_second_tracker": frames / tracking if tracking else None,
        "frames_per_second_with_decoding": frames / seconds if seconds else None,
    }
