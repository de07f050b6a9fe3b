"""Training pairs of the tracker, from LaSOT-sized JPEG frames to tensors, beside OSTrack's."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.child import Child
from benchmarks.material import SIDES, large_lasot_tree, lasot_tree
from benchmarks.measure import Results, Row, Skip, alternate, each
from holdfast.data.jpeg_regions import LIBRARY
from holdfast.optional import find_package
from vl_track.data.pairs import PairOptions, make_pair
from vl_track.data.samples import to_sample
from vl_track.data.sets.lasot import LaSOT

MANY = 50
"""Sequences of each of the large tree's twenty classes."""


def measure(results: Results, rounds: int) -> None:
    """One core, sampler to tensors, 128 and 256 px."""
    with tempfile.TemporaryDirectory() as folder:
        _many(results, Path(folder), rounds)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "lasot"
        source = lasot_tree(root)
        regions = find_package(LIBRARY) is not None
        same = "only the region decoded" if regions else "whole frames decoded"
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        setting = {"root": str(root), "ids": list(range(1, len(SIDES) + 1))}
        with Child("ostrack_pairs.py", "OSTrack", setting) as peer:
            for scaled in (False, True):
                one = _drawing(root, scaled=scaled)
                ours, theirs = alternate(
                    lambda one=one: each(one, 20), lambda: peer.seconds(20), rounds, peer=peer.pid
                )
                how = "decoded at the scale needed" if scaled else same
                results.rows.append(
                    Row(
                        path=f"tracking pairs, {how}", unit="pair", peer="OSTrack", ours=ours,
                        theirs=theirs, aim=4.0, note=f"one core; {source}",
                    )
                )  # fmt: skip
        torch.set_num_threads(threads)


def _many(results: Results, folder: Path, rounds: int) -> None:
    """A pair from 1,000 sequences against one from five, and beside OSTrack's."""
    large, small = folder / "large", folder / "small"
    source = large_lasot_tree(large, each=MANY)
    large_lasot_tree(small, classes=5, each=1)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    many, few = _drawing(large, scaled=False), _drawing(small, scaled=False)
    path, note = "tracking pairs, 1,000 sequences", f"one core; {source}"
    ours, fewer = alternate(lambda: each(many, 20), lambda: each(few, 20), rounds)
    results.rows.append(
        Row(path=path, unit="pair", peer="5 sequences", ours=ours, theirs=fewer, aim=1 / 1.2,
            note=note)
    )  # fmt: skip
    setting = {"root": str(large), "ids": list(range(1, MANY + 1))}
    try:
        with Child("ostrack_pairs.py", "OSTrack", setting) as peer:
            ours, theirs = alternate(
                lambda: each(many, 20), lambda: peer.seconds(20), rounds, peer=peer.pid
            )
    except Skip as reason:
        results.skipped.append((path, str(reason)))
        return
    results.rows.append(
        Row(path=path, unit="pair", peer="OSTrack", ours=ours, theirs=theirs, aim=4.0, note=note)
    )


def _drawing(root: Path, *, scaled: bool) -> Callable[[], None]:
    """Return a function that makes one pair."""
    videos = LaSOT(root, "train")
    generator = np.random.default_rng(0)
    options = PairOptions()

    def one() -> None:
        video = videos[int(generator.integers(len(videos)))]
        pair = make_pair(replace(video, scaled=scaled), options, generator)
        assert pair is not None
        to_sample(pair, 0)

    return one
