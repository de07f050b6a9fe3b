"""Tracking a benchmark: one job of the engine for each sequence, and whole results or none.

A worker's process opens the tracker and the data set once and tracks one sequence after the other.
"""

import importlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from holdfast.jobs.job import Job, JobFolder
from holdfast.jobs.pool import Pool
from vl_track.data.prompts import PromptKind
from vl_track.data.sets.base import VideoSet
from vl_track.results import Layout, format_boxes
from vl_track.scoring.runs import track_video
from vl_track.scoring.sets import open_set
from vl_track.tracking.loop import ObjectTracker

RECORD = "run.json"
TARGET = f"{__name__}:track_sequence"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What makes the result files of two runs comparable.

    Attributes:
        dataset: its name.
        split: which part.
        prompt: which parts of the first frame's annotation the tracker is given.
        layout: of the result files.
        weights: digest of the model, or its name.
        options: of the tracker.
    """

    dataset: str
    split: str
    prompt: PromptKind
    layout: Layout
    weights: str
    options: dict[str, Any]

    @property
    def digest(self) -> str:
        """A short hash of all of it."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a worker finds what it needs; none of it changes the boxes.

    Attributes:
        root: data root.
        folder: the data set's own folder, where it does not lie below the data root.
        tracker: arguments of the function that makes the tracker.
    """

    root: str | None = None
    folder: str | None = None
    tracker: dict[str, Any]


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


def make_pool(
    folder: Path, plan: Plan, names: Iterable[str], tracker: str, locations: Places
) -> Pool:
    """Return the jobs of a benchmark: one for each sequence.

    Args:
        folder: of the results.
        plan: of all of them.
        names: of the sequences.
        tracker: ``module:function`` that makes the tracker.
        locations: where workers find model and data.
    """
    jobs = [
        Job(
            target=TARGET,
            arguments={"plan": asdict(plan), "name": name, "tracker": tracker},
            name=name,
            locations={"locations": asdict(locations)},
        )
        for name in names
    ]
    return Pool(root=folder, jobs=jobs, many_a_process=True)


def forget_broken(pool: Pool, videos: VideoSet) -> set[str]:
    """Forget finished sequences whose files are gone, cut short, or of another length than now.

    Returns:
        The names of those that stay finished.
    """
    whole = set()
    for job in pool.jobs:
        folder = pool.folder(job)
        if folder.state() != "done":
            continue
        files = result_files(pool.root, job.name, job.arguments["plan"]["layout"])
        try:
            count = len(videos.read(job.name))
        except DataError:
            count = -1  # the job will say what is wrong
        if all(path.is_file() and _lines(path) == count for path in files):
            whole.add(job.name)
        else:
            folder.retry()
    return whole


def track_sequence(
    *, folder: str, plan: dict[str, Any], name: str, tracker: str, locations: dict[str, Any]
) -> dict[str, float]:
    """Track one sequence and write boxes and times; the job of the engine.

    Times are seconds a frame without decoding, the first of them of the start.

    Args:
        folder: of the job; results go to the folder of its pool.
        plan: fields of :class:`Plan`.
        name: of the sequence.
        tracker: ``module:function``.
        locations: fields of :class:`Places`.

    Returns:
        Frames, seconds of the tracker, and seconds with decoding.

    Raises:
        DataError: an annotation or an image cannot be read; nothing is written.
    """
    how, where = Plan(**plan), Places(**locations)
    begun = time.perf_counter()
    video = _videos(how.dataset, how.split, where.root, where.folder).read(name)
    made = _tracker(tracker, json.dumps(where.tracker))
    boxes, seconds = track_video(made, video, how.prompt)
    files = result_files(JobFolder(path=Path(folder)).path.parent.parent, name, how.layout)
    write_text(files[0], format_boxes(boxes, how.layout))
    write_text(files[1], "".join(f"{value:.6f}\n" for value in seconds))
    return {
        "frames": len(boxes),
        "tracking_seconds": float(np.sum(seconds)),
        "seconds": time.perf_counter() - begun,
    }


def result_files(folder: Path, name: str, layout: Layout) -> tuple[Path, Path]:
    """Return where a sequence's boxes and times are written.

    Raises:
        DataError: the name would lead out of the folder.
    """
    if PurePath(name).name != name or name in {"", ".", ".."} or "\\" in name:
        raise DataError(f"'{name}' is no name of a sequence: it would lead out of {folder}.")
    if layout == "got10k":
        return folder / name / f"{name}_001.txt", folder / name / f"{name}_time.txt"
    return folder / f"{name}.txt", folder / f"{name}_time.txt"


def summary(pool: Pool, before: set[str]) -> dict[str, Any]:
    """Return counts, and frames a second of this launch with decoding left out and included.

    Args:
        pool: the jobs.
        before: names of the sequences that were finished before this launch.
    """
    records = {job.name: pool.folder(job).read("done") for job in pool.jobs}
    done = {n: r["result"] for n, r in records.items() if r and n not in before}
    failed = {job.name: pool.folder(job).read("failed") for job in pool.jobs}
    frames = sum(one["frames"] for one in done.values())
    tracking = sum(one["tracking_seconds"] for one in done.values())
    seconds = sum(one["seconds"] for one in done.values())
    return {
        "done": len(done),
        "kept": len(before),
        "failed": {name: record["sentence"] for name, record in failed.items() if record},
        "frames": frames,
        "frames_per_second_tracker": frames / tracking if tracking else None,
        "frames_per_second_with_decoding": frames / seconds if seconds else None,
    }


@cache
def _tracker(target: str, arguments: str) -> ObjectTracker:
    """Make the tracker, once in a process."""
    module, name = target.split(":")
    function: Callable[..., ObjectTracker] = getattr(importlib.import_module(module), name)
    return function(**json.loads(arguments))


@cache
def _videos(dataset: str, split: str, root: str | None, folder: str | None) -> VideoSet:
    """Open the data set, once in a process."""
    return open_set(dataset, split, root=root, folder=folder)  # type: ignore[arg-type]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")
