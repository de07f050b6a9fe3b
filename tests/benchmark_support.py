"""Trackers for tests of benchmark runs; made by name in worker processes."""

import os
import signal
import time
from pathlib import Path

from vl_track.data.geometry import Box
from vl_track.data.video import Picture
from vl_track.scoring.engines import Work
from vl_track.scoring.jobs import Plan
from vl_track.tracking import Estimate

MAKER = "benchmark_support:stands_still"


class StandsStill:
    """Repeats the first box; keeps a diary, and dies once where a file says so."""

    def __init__(self, diary: str, dies: str, pause: float) -> None:
        self.diary, self.dies, self.pause = Path(diary), Path(dies), pause
        self.box: Box = (0, 0, 1, 1)
        self.text = ""

    def initialize(self, frame: Picture, box: Box | None = None, text: str = "") -> Estimate:
        self.box = box or (1.0, 2.0, 3.0, 4.0)
        with self.diary.open("a") as file:
            file.write(f"{os.getpid()} {text}\n")
        return Estimate(self.box, 1.0)

    def track(self, frame: Picture) -> Estimate:
        time.sleep(self.pause)
        if self.dies.is_file():
            self.dies.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return Estimate((self.box[0] + 0.9, *self.box[1:]), 0.5)


def stands_still(diary: str, dies: str = "/nowhere", pause: float = 0.0) -> StandsStill:
    return StandsStill(diary, dies, pause)


def plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "dataset": "lasot", "split": "test", "told": "both", "text": True, "layout": "pytracking",
        "weights": "none", "options": {},
    }  # fmt: skip
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def work(root: Path, out: Path, one: Plan | None = None, **arguments: object) -> Work:
    return Work(
        plan=one or plan(), root=str(root), out=str(out), tracker=MAKER,
        arguments={"diary": str(out.parent / "diary"), **arguments},
    )  # fmt: skip
