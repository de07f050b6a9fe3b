"""Kill training, sweeping and benchmarking at random moments; the end must be as if nobody had.

Usage: python tools/kills.py [KIND...] [--kills 34] [--seed 0]. Each kind of work is started in a
process group of its own and the whole group gets SIGKILL after a random time, so many times; then
it is let through, and what it leaves is compared byte for byte (weights number for number) with an
undisturbed run. Prints one line for each kind; fails on any difference.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
TINY = REPOSITORY / "configs/dropout_ft/tiny.yaml"
COMPARED = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")
Contents = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Something that can be killed.

    Attributes:
        name: shown.
        words: the command for a folder to work in.
        read: what the folder holds at the end, by name.
    """

    name: str
    words: Callable[[Path], list[str]]
    read: Callable[[Path], Contents]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", help="training, sweeping, benchmarking; all if none")
    parser.add_argument("--kills", type=int, default=34, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    draw = random.Random(words.seed)  # noqa: S311  (moments, no secrets)
    different = 0
    with tempfile.TemporaryDirectory() as place:
        everything = works(Path(place))
        unknown = set(words.kinds) - {work.name for work in everything}
        if unknown:
            parser.error(f"there is no kind {' or '.join(sorted(unknown))}")
        for work in everything:
            if words.kinds and work.name not in words.kinds:
                continue
            seconds, wanted = undisturbed(work, Path(place) / f"{work.name}-whole")
            killed, finished, wrong = killed_at_random(
                work, Path(place), wanted, seconds, words.kills, draw
            )
            different += len(wrong)
            print(
                f"{work.name}: {killed} kills over {finished} works of {seconds:.1f} s, "
                f"{len(wanted)} artefacts each, {len(wrong)} different {' '.join(wrong)}",
                flush=True,
            )
    return 1 if different else 0


def undisturbed(work: Work, folder: Path) -> tuple[float, Contents]:
    """Let a work through; return its seconds and what it leaves."""
    start = time.monotonic()
    subprocess.run(work.words(folder), check=True, capture_output=True)
    return time.monotonic() - start, work.read(folder)


def killed_at_random(
    work: Work, place: Path, wanted: Contents, seconds: float, kills: int, draw: random.Random
) -> tuple[int, int, list[str]]:
    """Kill so many times, starting a new folder whenever one is through.

    Returns:
        Kills, works that came to their end, and the names of artefacts that differ.
    """
    killed = finished = 0
    wrong: list[str] = []
    while killed < kills or finished == 0:
        folder = place / f"{work.name}-{finished}"
        while killed < kills and started_and_killed(work.words(folder), draw.uniform(0, seconds)):
            killed += 1
        subprocess.run(work.words(folder), check=True, capture_output=True)
        wrong += differences(wanted, work.read(folder))
        finished += 1
    return killed, finished, wrong


def started_and_killed(words: list[str], seconds: float) -> bool:
    """Start a command and kill its whole group after so long; False if it was through before."""
    process = subprocess.Popen(
        words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def differences(wanted: Contents, found: Contents) -> list[str]:
    """Return the names of what is missing, new or different."""
    names = wanted.keys() | found.keys()
    return sorted(name for name in names if not _same(wanted.get(name), found.get(name)))


def works(place: Path) -> list[Work]:
    """Return the kinds of work, their data drawn below ``place``."""
    pictures, videos = place / "pictures", place / "videos"
    draw_pictures(pictures)
    draw_videos(videos / "lasot")
    program = Path(sys.executable).parent
    plan = place / "plan.yaml"
    settings = {"data.source": str(pictures), "trainer.max_steps": 12}
    plan.write_text(
        yaml.safe_dump(
            {"fit": [str(TINY)], "domains": ["a"], "dropout_rates": [0, 0.5], "set": settings}
        )
    )
    fit = [str(program / "dropout-ft"), "fit", "--config", str(TINY)]
    fit += ["--data.source", str(pictures), "--trainer.max_steps", "40"]
    sweep = [str(program / "dropout-ft"), "sweep", str(plan), "--engine", "processes"]
    bench = [str(program / "vl-track"), "benchmark", "lasot", "--root", str(videos)]
    return [
        Work(
            name="training",
            words=lambda folder: [*fit, "--run.root", str(folder)],
            read=lambda folder: run_contents(_only(folder.glob("*/run.json")).parent),
        ),
        Work(
            name="sweeping",
            words=lambda folder: [*sweep, "--workers", "2", "--out", str(folder)],
            read=lambda folder: {
                f"{run.parents[1].name}/{name}": value
                for run in sorted(folder.glob("jobs/*/*/run.json"))
                for name, value in run_contents(run.parent).items()
            },
        ),
        Work(
            name="benchmarking",
            words=lambda folder: [*bench, "--out", str(folder), "--workers", "2"],
            read=lambda folder: {
                str(path.relative_to(folder)): path.read_bytes()
                for path in sorted(folder.rglob("*.txt"))
                if not path.stem.endswith("_time")
            },
        ),
    ]


def run_contents(run: Path) -> Contents:
    """Return what a training run leaves, without times and hosts."""
    checkpoint = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    rows = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    logits = {f"logits/{path.name}": path.read_bytes() for path in (run / "logits").iterdir()}
    weights = {key: checkpoint[key] for key in COMPARED}
    return {**weights, "results": rows, **logits}


def draw_pictures(root: Path) -> None:
    """Write three domains of three classes of noise in three colours."""
    generator = np.random.default_rng(0)
    for domain in "abc":
        for label in range(3):
            folder = root / domain / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(8):
                pixels = generator.integers(0, 200, (32, 32, 3), dtype=np.uint8)
                pixels[..., label] += 50
                Image.fromarray(pixels).save(folder / f"{number}.png")


def draw_videos(root: Path) -> None:
    """Write four short videos in LaSOT's layout."""
    generator = np.random.default_rng(0)
    names = [f"thing-{number}" for number in range(1, 5)]
    for name in names:
        folder = root / "thing" / name
        (folder / "img").mkdir(parents=True)
        lines = []
        for time_ in range(25):
            pixels = generator.integers(0, 80, (96, 128, 3), dtype=np.uint8)
            pixels[30:54, 20 + 2 * time_ : 44 + 2 * time_] = (200, 40, 40)
            Image.fromarray(pixels).save(folder / "img" / f"{time_ + 1:08d}.jpg")
            lines.append(f"{20 + 2 * time_},30,24,24")
        (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")
        (folder / "nlp.txt").write_text("the red square\n")
        for flags in ("full_occlusion", "out_of_view"):
            (folder / f"{flags}.txt").write_text(",".join(["0"] * 25) + "\n")
    (root / "testing_set.txt").write_text("\n".join(names) + "\n")


def _only(found: Any) -> Path:  # noqa: ANN401  (an iterator of paths)
    (path,) = found
    return Path(path)


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401  (anything a checkpoint holds)
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


if __name__ == "__main__":
    sys.exit(main())
