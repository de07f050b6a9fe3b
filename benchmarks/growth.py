"""Time and memory as work grows, up to ten times: ``python -m benchmarks.growth [--out FOLDER]``.

Every point is a process of its own, so that its peak resident memory is its own too. The exponent
is the slope of a straight line through the logarithms: 1 is linear, 0 is constant.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.material import domain_folder, photographs
from benchmarks.measure import machine
from benchmarks.paths.pictures import make_data
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.module import FineTuning
from holdfast.report.figures import COLOURS, as_png
from vl_track.data.truth import TrueSequence
from vl_track.loading import load_network
from vl_track.scoring.conventions import convention
from vl_track.scoring.raw_results import read_many
from vl_track.scoring.scores import score
from vl_track.tracking import Tracker, track_together

SIZES = {
    "images": (2000, 5000, 10000, 20000),
    "classes": (10, 30, 100),
    "sequences": (28, 84, 280),
    "workers": (1, 2, 4, 8),
    "videos at once": (1, 3, 10),
    "frames": (100, 300, 1000),
}
WHAT = {
    "images": "a folder scanned, split and its first batch read, s",
    "classes": "2,000 pictures' logits evaluated and stored, s",
    "sequences": "one tracker scored from text, 2,448 frames each, s",
    "workers": "40 batches of 12 pictures, 2 cores, s",
    "videos at once": "one frame of each video, s",
    "frames": "one video tracked, s",
}


def main() -> int:
    """Measure every point and write table, figure and JSON; returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/bench"))
    parser.add_argument("--one", nargs=2, metavar=("AXIS", "SIZE"), help="measure one point")
    words = parser.parse_args()
    if words.one:
        print(json.dumps(point(words.one[0], int(words.one[1]))))
        return 0
    found: dict[str, list[dict[str, float]]] = {}
    for axis, sizes in SIZES.items():
        found[axis] = [_in_process(axis, size) for size in sizes]
        print(f"{axis}: {json.dumps(found[axis])}", file=sys.stderr, flush=True)
    words.out.mkdir(parents=True, exist_ok=True)
    (words.out / "growth.png").write_bytes(as_png(figure(found)))
    text = json.dumps({"machine": machine(), "points": found}, indent=1)
    (words.out / "growth.json").write_text(text + "\n")
    print(table(found))
    return 0


def point(axis: str, size: int) -> dict[str, float]:
    """Measure one size of one axis in this process."""
    with tempfile.TemporaryDirectory() as folder:
        work = _PREPARE[axis](size, Path(folder))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        work()
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "size": size,
        "seconds": seconds,
        "peak_mb": peak / 1024,
        "grown_mb": (peak - before) / 1024,
        "largest_child_mb": children / 1024,
    }


def exponent(sizes: list[float], values: list[float]) -> float:
    """Return the slope of the logarithms; nan where a value is not positive."""
    if min(values) <= 0:
        return math.nan
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """Return the points and exponents as Markdown."""
    lines = ["| grows | what is timed | sizes | seconds | exponent | peak MB |", "|---" * 6 + "|"]
    for axis, points in found.items():
        sizes = [one["size"] for one in points]
        seconds = [one["seconds"] for one in points]
        cells = [
            axis, WHAT[axis], ", ".join(f"{size:g}" for size in sizes),
            ", ".join(f"{value:.3g}" for value in seconds), f"{exponent(sizes, seconds):.2f}",
            ", ".join(f"{one['peak_mb']:.0f}" for one in points),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def figure(found: dict[str, list[dict[str, float]]]) -> Figure:
    """Draw time and peak memory against size, both relative to the smallest."""
    drawn = Figure(figsize=(9, 4), dpi=130, layout="constrained")
    for axes, key, title in zip(
        drawn.subplots(1, 2), ("seconds", "peak_mb"), ("time", "peak resident memory"), strict=True
    ):
        for colour, (axis, points) in zip(COLOURS, found.items(), strict=False):
            sizes = np.array([one["size"] for one in points])
            values = np.array([one[key] for one in points])
            axes.loglog(sizes / sizes[0], values / values[0], "o-", color=colour, label=axis)
        axes.loglog([1, 10], [1, 10], ":", color="black", label="linear")
        axes.set_title(title)
        axes.set_xlabel("size over the smallest")
        axes.set_ylabel("over that of the smallest")
        axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    return drawn


def _in_process(axis: str, size: int) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.growth", "--one", axis, str(size)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _loader(root: Path, workers: int = 0) -> Any:  # noqa: ANN401  (a loader of anything)
    module = FineTuning(TimmBackbone("test_resnet", weights="none"), ["a"])
    return make_data(root, "pillow", 0, module, workers=workers).train_dataloader()


def _images(size: int, folder: Path) -> Callable[[], object]:
    content = folder / "one.png"
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(content)
    for number in range(size):
        place = folder / f"pictures/d{number % 4}/c{number // 4 % 10}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").hardlink_to(content)
    return lambda: next(iter(_loader(folder / "pictures")))


def _classes(size: int, folder: Path) -> Callable[[], object]:
    backbone = TimmBackbone("test_resnet", weights="none")
    module = FineTuning(backbone, [f"c{i}" for i in range(size)]).eval()
    module.model.head.calibrate(torch.randn(8, backbone.num_features))
    pictures = torch.randint(0, 256, (100, 3, 64, 64), dtype=torch.uint8)

    def work() -> None:
        with torch.inference_mode():
            logits = torch.cat([module.model(pictures) for _ in range(20)])
        np.save(folder / "logits.npy", logits.numpy())

    return work


def _sequences(size: int, folder: Path) -> Callable[[], object]:
    generator = np.random.default_rng(0)
    truths = []
    for number in range(size):
        boxes = np.abs(generator.normal(0, 5, (2448, 4)).cumsum(axis=0)).round() + 20
        name = f"walk-{number}"
        truths.append(TrueSequence(name=name, boxes=boxes, visible=np.ones(2448, bool)))
        np.savetxt(folder / f"{name}.txt", boxes + 3, fmt="%.2f", delimiter=",")
    rules = convention("pytracking", "lasot")

    def work() -> float:
        (read,) = read_many([str(folder)], truths)
        return float(score(truths, read.boxes, rules).figures()["auc"])

    return work


def _workers(size: int, folder: Path) -> Callable[[], object]:
    domain_folder(folder / "pictures")
    loader = _loader(folder / "pictures", workers=size)
    return lambda: [None for _ in islice(loader, 40)]


def _videos(size: int, folder: Path) -> Callable[[], object]:
    network = load_network()
    picture = np.ascontiguousarray(photographs((640, 480), 1)[0][0][..., ::-1])
    trackers = [Tracker(network) for _ in range(size)]
    for tracker in trackers:
        tracker.initialize(picture, (280.0, 200.0, 80.0, 80.0))
    track_together(trackers, [picture] * size)
    return lambda: track_together(trackers, [picture] * size)


def _frames(size: int, folder: Path) -> Callable[[], object]:
    tracker = Tracker(load_network())
    picture = np.ascontiguousarray(photographs((640, 480), 1)[0][0][..., ::-1])
    tracker.initialize(picture, (280.0, 200.0, 80.0, 80.0))
    return lambda: [tracker.track(picture) for _ in range(size)]


_PREPARE: dict[str, Callable[[int, Path], Any]] = {
    "images": _images,
    "classes": _classes,
    "sequences": _sequences,
    "workers": _workers,
    "videos at once": _videos,
    "frames": _frames,
}


if __name__ == "__main__":
    sys.exit(main())
