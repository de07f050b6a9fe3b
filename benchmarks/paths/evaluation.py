"""Scoring one tracker on a LaSOT-sized benchmark from text files, beside both Python toolkits."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.child import Child, checkout
from benchmarks.measure import Results, Row, Skip, alternate, each
from vl_track.data.truth import TrueSequence
from vl_track.scoring.conventions import Name, convention
from vl_track.scoring.raw_results import read_many
from vl_track.scoring.scores import score

SEQUENCES, FRAMES = 280, 2448
PEERS: tuple[tuple[Name, str, str], ...] = (
    ("pytracking", "pytracking", "pytracking_evaluation.py"),
    ("got10k", "toolkit", "got10k_evaluation.py"),
)
"""Convention, checkout and worker."""


def measure(results: Results, rounds: int) -> None:
    """280 sequences, 685,440 frames, one core; the AUC of both sides must be the same."""
    present = [peer for peer in PEERS if _is_there(peer, results)]
    if not present:
        return
    truths = _truths()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        np.savez(place / "truths.npz", **{one.name: one.boxes for one in truths})
        (place / "results").mkdir()
        generator = np.random.default_rng(1)
        for one in truths:
            moved = one.boxes + generator.normal(0, 12, one.boxes.shape)
            moved[:, 2:] = np.maximum(moved[:, 2:], 1)
            np.savetxt(place / f"results/{one.name}.txt", moved, fmt="%.2f", delimiter=",")
        for name, folder, worker in present:
            try:
                results.rows.append(_beside(name, folder, worker, place, truths, rounds))
            except Skip as reason:
                results.skipped.append((f"evaluating LaSOT-280 beside {name}", str(reason)))


def _is_there(peer: tuple[Name, str, str], results: Results) -> bool:
    name, folder, _ = peer
    try:
        checkout(folder)
    except Skip as reason:
        results.skipped.append((f"evaluating LaSOT-280 beside {name}", str(reason)))
        return False
    return True


def _beside(
    name: Name, folder: str, worker: str, place: Path, truths: list[TrueSequence], rounds: int
) -> Row:
    rules = convention(name, "lasot")
    auc: list[float] = []

    def ours() -> None:
        (read,) = read_many([str(place / "results")], truths)
        auc.append(score(truths, read.boxes, rules).figures()["auc"])

    setting = {"truths": str(place / "truths.npz"), "results": str(place / "results")}
    with Child(worker, folder, setting) as peer:
        mine, theirs = alternate(
            lambda: each(ours, 1), lambda: peer.seconds(1), rounds, peer=peer.pid
        )
        other = peer.ask({"count": 1})["auc"]
    if abs(auc[-1] - other) > 1e-4:
        raise Skip(f"the AUCs differ, {auc[-1]:.6f} and {other:.6f}: nothing to compare")
    return Row(
        path="evaluating LaSOT-280", unit="tracker", peer=name, ours=mine, theirs=theirs, aim=20.0,
        note=f"{SEQUENCES * FRAMES} frames of synthetic walks, results read from text, one thread "
        f"computing; both give AUC {other:.4f}",
    )  # fmt: skip


def _truths() -> list[TrueSequence]:
    generator = np.random.default_rng(0)
    return [
        TrueSequence(name=f"walk-{number}", boxes=_walk(generator), visible=np.ones(FRAMES, bool))
        for number in range(SEQUENCES)
    ]


def _walk(generator: np.random.Generator) -> NDArray[np.float64]:
    """Return boxes whose places and sizes wander, in whole pixels as LaSOT has them."""
    steps = generator.normal(0, [5, 5, 1, 1], (FRAMES, 4)).cumsum(axis=0)
    boxes = np.array([600, 320, 120, 90]) + steps
    boxes[:, 2:] = np.clip(boxes[:, 2:], 12, 500)
    return np.asarray(boxes.round())
