"""Trackers for tests of benchmark runs; made by name in worker processes."""

import os
import signal
import time
from pathlib import Path

from holdfast.jobs.engines import Resources, run_pool
from holdfast.jobs.pool import Pool
from vl_track.data.geometry import Box
from vl_track.scoring.benchmarking import Places, Plan, make_pool
from vl_track.tracking import Estimate
from vl_track.video.frames import Image

MAKER = "benchmark_support:stands_still"


class StandsStill:
    """Repeats the first box; keeps a diary, and dies or hangs once where a file says so."""

    def __init__(self, diary: str, dies: str, pause: float) -> None:
        self.diary, self.dies, self.pause = Path(diary), Path(dies), pause
        self.box: Box = (0, 0, 1, 1)
        self.text = ""

    def initialize(self, frame: Image, box: Box | None = None, text: str = "") -> Estimate:
        self.box = box or (1.0, 2.0, 3.0, 4.0)
        with self.diary.open("a") as file:
            file.write(f"{os.getpid()} {text}\n")
        return Estimate(self.box, 1.0)

    def track(self, frame: Image) -> Estimate:
        time.sleep(self.pause)
        if self.dies.is_file():
            hangs = self.dies.read_text() == "hang"
            self.dies.unlink()
            if hangs:
                time.sleep(600)
            os.kill(os.getpid(), signal.SIGKILL)
        return Estimate((self.box[0] + 0.9, *self.box[1:]), 0.5)


def stands_still(diary: str, dies: str = "/nowhere", pause: float = 0.0) -> StandsStill:
    with Path(diary).open("a") as file:
        file.write(f"{os.getpid()} made\n")
    return StandsStill(diary, dies, pause)


def plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "dataset": "lasot", "split": "test", "prompt": "box+text", "layout": "pytracking",
        "weights": "none", "options": {},
    }  # fmt: skip
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def pool_of(
    root: Path, out: Path, names: list[str], one: Plan | None = None, **arguments: object
) -> Pool:
    places = Places(root=str(root), tracker={"diary": str(out.parent / "diary"), **arguments})
    pool = make_pool(out, one or plan(), names, MAKER, places)
    pool.describe()
    return pool


def run(
    root: Path, out: Path, names: list[str], one: Plan | None = None, *, workers: int = 1,
    seconds: float = 0.0, **arguments: object,
) -> Pool:  # fmt: skip
    pool = pool_of(root, out, names, one, **arguments)
    list(run_pool(pool, "processes", Resources(workers=workers, job_seconds=seconds)))
    return pool
