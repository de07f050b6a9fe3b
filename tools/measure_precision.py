"""Measure what bfloat16 costs a model on held-out Scenes, and write it beside the model's graph.

    python tools/measure_precision.py --weights results/vl-small/model --count 120 --out pairs.jsonl

Every video is tracked in float32 and in bfloat16; a line of ``pairs.jsonl`` holds both AUCs, so the
same command goes on where it stopped. With ``--record`` the mean difference and its standard error
over the videos go into ``network.json``, where ``vl_track.choosing.choose`` reads them.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from holdfast.data.roots import data_root
from vl_track.graphs.description import Description, Loss
from vl_track.graphs.network import GraphNetwork
from vl_track.packaged import packaged
from vl_track.runtimes import Precision
from vl_track.scoring.runs import run_video
from vl_track.scoring.sets import open_set
from vl_track.tracking import Tracker

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


def measure(folder: Path, count: int, root: str | None, out: Path) -> None:
    """Track the videos that have no line yet, on one thread, and write a line for each."""
    networks = {name: GraphNetwork(folder, "openvino", name, threads=1) for name in PRECISIONS}
    videos = open_set("scenes", "test", root=data_root(root), count=count)
    done = {row["seed"] for row in read(out)}
    with out.open("a", encoding="utf-8") as file:
        for seed in sorted(set(range(count)) - done):
            found = {
                name: run_video(Tracker(network), videos[seed], prompt="box+text").auc
                for name, network in networks.items()
            }
            file.write(json.dumps({"seed": seed, **found}) + "\n")
            file.flush()


def read(out: Path) -> list[dict[str, float]]:
    """Return the lines of a file that may not be there."""
    if not out.is_file():
        return []
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def loss_of(rows: list[dict[str, float]]) -> Loss:
    """Return the mean of float32's AUC less bfloat16's, and its standard error over videos."""
    lost = np.array([row["float32"] - row["bfloat16"] for row in rows])
    error = lost.std(ddof=1) / np.sqrt(len(lost))
    return Loss(auc_lost=round(float(lost.mean()), 4), standard_error=round(float(error), 4),
                videos=len(lost))  # fmt: skip


def main() -> None:
    """Measure, print, and record if asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", default=str(packaged()))
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--root")
    parser.add_argument("--out", required=True)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    folder, out = Path(given.weights), Path(given.out)
    measure(folder, given.count, given.root, out)
    loss = loss_of([row for row in read(out) if row["seed"] < given.count])
    print(loss)
    if given.record:
        known = Description.read(folder)
        known.losses["bfloat16"] = loss
        known.write(folder)


if __name__ == "__main__":
    main()
