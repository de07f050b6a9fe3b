"""Frames a second of the tracker, batch 1, beside OSTrack's with the same weights."""

import tempfile

import numpy as np
import torch

from benchmarks.child import Child
from benchmarks.material import photographs
from benchmarks.measure import Results, Row, Skip, alternate, each, flops_per_second
from holdfast.checkpoints.io import read_checkpoint
from vl_track.data.geometry import Box
from vl_track.loading import build_network
from vl_track.model.network import AllInOne
from vl_track.model.official import from_official
from vl_track.tracker import Tracker, TrackerOptions

SIZES = {256: (128, 4.0, 2 * 21.5e9), 384: (192, 5.0, 2 * 48.3e9)}
"""Search size: template size, search factor, operations of a frame (OSTrack's own figures)."""
FRAMES = 4
START: Box = (600.0, 320.0, 120.0, 90.0)


def measure(results: Results, rounds: int) -> None:
    """ViT-B/16 with candidate elimination, random weights in the official layout, float32."""
    for search in SIZES:
        _size(results, search, rounds)


def _size(results: Results, search: int, rounds: int) -> None:
    template, factor, operations = SIZES[search]
    threads = torch.get_num_threads()
    pictures, source = photographs((1280, 720), FRAMES)
    frames = np.stack([picture[..., ::-1] for picture in pictures])
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/frames.npy", frames)
        setting = {
            "weights": f"{folder}/weights.pth.tar", "frames": f"{folder}/frames.npy", "box": START,
            "search": search, "template": template, "factor": factor, "threads": threads,
        }  # fmt: skip
        boxes: list[Box] = []

        def frame() -> None:
            tracker.initialize(frames[0], START)
            boxes.append(tracker.track(frames[len(boxes) % (FRAMES - 1) + 1]).box)

        with Child("ostrack_tracker.py", "OSTrack", setting) as peer:
            options = TrackerOptions(unrounded_corner=True)  # as the release
            tracker = Tracker(_same_weights(setting["weights"]), options)
            ours, theirs = alternate(
                lambda: each(frame, FRAMES - 1), lambda: peer.seconds(FRAMES - 1), rounds
            )
            answer = peer.ask({"count": FRAMES - 1})
        frame_boxes = np.array(boxes[-(FRAMES - 1) :])
    apart = float(np.abs(frame_boxes - np.array(answer["boxes"])).max())
    if apart > 0.01:
        raise Skip(f"at {search} px the boxes differ by {apart:.3g} pixels: nothing to compare")
    results.rows.append(
        Row(
            path=f"tracker, ViT-B/16 at {search} px", unit="frame", peer="OSTrack", ours=ours,
            theirs=theirs, aim=1.5, floor=operations / flops_per_second(),
            note=f"CPU, {threads} threads, float32, batch 1, decoding not counted, 1280 x 720 "
            f"({source}); each frame started from the same box, which agrees to {apart:.1e} px",
        )
    )  # fmt: skip


def _same_weights(path: str) -> AllInOne:
    """Return our network with the weights that the peer has drawn and saved."""
    converted = from_official(read_checkpoint(path)["net"])
    network = build_network(converted.config, path)
    network.load_state_dict(converted.weights)
    return network
