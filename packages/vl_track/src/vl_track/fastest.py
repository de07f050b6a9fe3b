"""The fastest installed runtime that gives PyTorch's boxes, measured once for each model."""

import importlib.metadata
import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import torch

from holdfast.atomic import write_text
from holdfast.errors import HoldfastError
from vl_track.nn.network import AllInOne
from vl_track.runtime import PACKAGES, cache_folder, digest, on_runtime
from vl_track.runtimes import Runtime
from vl_track.tracking.network import Network
from vl_track.tracking.tracker import Tracker
from vl_track.video.frames import Image

SAME_BOXES = 0.01
"""Pixels by which a box may differ from PyTorch's, each frame started from the same box."""
GAIN = 1.1
"""How many times faster than PyTorch a runtime must be to be taken in its place."""
FRAMES = 12
WORTH_MEASURING = 300
"""Frames from which the measurement, some ten seconds, pays."""
EXPORTER = ("onnx", "onnxscript")


class Record(TypedDict):
    """What is kept of a measurement."""

    runtime: Runtime
    versions: dict[str, str]
    trials: dict[str, dict[str, float | str]]


class Trial(NamedTuple):
    """A runtime on the trial frames.

    Attributes:
        seconds: of a frame, the median.
        boxes: (T, 4) in pixels.
    """

    seconds: float
    boxes: np.ndarray


def fastest_runtime(network: AllInOne, *, measure: bool = True) -> Runtime:
    """Return the runtime to use on the CPU where none was asked for.

    The answer is kept beside the written network, and measured again when torch or a runtime is
    updated, or when the number of threads changes.

    Args:
        network: on the CPU.
        measure: measure if that was not done before; otherwise PyTorch is the answer then.
    """
    others = installed()
    if not others:
        return "torch"
    file = cache_folder() / f"{digest(network)}.fastest.json"
    versions = _versions(others)
    kept = _read(file)
    if kept is not None and kept["versions"] == versions:
        return kept["runtime"]
    if not measure:
        return "torch"
    sys.stderr.write("note: measuring which runtime is the fastest for this model, once\n")
    chosen, found = compare(network, others)
    record = Record(runtime=chosen, versions=versions, trials=found)
    write_text(file, json.dumps(record, indent=1) + "\n")
    return chosen


def installed() -> list[Runtime]:
    """Return the runtimes beside PyTorch that are installed with all they need."""
    if any(importlib.util.find_spec(name) is None for name in EXPORTER):
        return []
    if importlib.util.find_spec("onnxruntime") is None:  # it checks what is written
        return []
    return [name for name, package in PACKAGES.items() if importlib.util.find_spec(package)]


def compare(
    network: AllInOne, others: list[Runtime]
) -> tuple[Runtime, dict[str, dict[str, float | str]]]:
    """Measure runtimes; return the fastest with PyTorch's boxes, and what was found."""
    own = trial(network)
    best: Runtime = "torch"
    least = own.seconds / GAIN
    found: dict[str, dict[str, float | str]] = {
        "torch": {"milliseconds": round(own.seconds * 1000, 2)}
    }
    for name in others:
        try:
            other = trial(on_runtime(network, name))
        except (HoldfastError, RuntimeError) as error:
            found[name] = {"error": str(error)}
            continue
        apart = float(np.abs(other.boxes - own.boxes).max())
        found[name] = {"milliseconds": round(other.seconds * 1000, 2), "pixels_apart": apart}
        if apart <= SAME_BOXES and other.seconds < least:
            best, least = name, other.seconds
    return best, found


def trial(network: Network) -> Trial:
    """Track a drawn object, each frame from the box of PyTorch's own position, and take times."""
    tracker = Tracker(network)
    boxes, seconds = [], []
    for number in range(FRAMES):
        tracker.initialize(_image(number), (100.0 + 2 * number, 80.0, 60.0, 48.0), "the red ball")
        begun = time.perf_counter()
        boxes.append(tracker.track(_image(number + 1)).box)
        seconds.append(time.perf_counter() - begun)
    return Trial(float(np.median(seconds[2:])), np.array(boxes))


def _image(number: int) -> Image:
    """Return an object with texture, moved, on a ground with texture."""
    generator = np.random.default_rng(0)
    ground = generator.integers(0, 255, (15, 20, 3), dtype=np.uint8)
    image = ground.repeat(16, axis=0).repeat(16, axis=1)
    patch = generator.integers(0, 255, (6, 6, 3), dtype=np.uint8)
    left = 100 + 2 * number
    image[80:128, left : left + 60] = patch.repeat(8, axis=0).repeat(10, axis=1)
    return image


def _versions(others: list[Runtime]) -> dict[str, str]:
    found: dict[str, str] = {name: importlib.metadata.version(PACKAGES[name]) for name in others}
    return {**found, "torch": torch.__version__, "threads": str(torch.get_num_threads())}


def _read(file: Path) -> Record | None:
    try:
        kept = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    sound = isinstance(kept, dict) and kept.get("runtime") in {"torch", *PACKAGES}
    if not sound or set(kept) != set(Record.__annotations__):
        return None
    record: Record = kept
    return record
