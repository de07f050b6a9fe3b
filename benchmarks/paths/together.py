"""Several videos in one forward pass against one by one, the shipped tracker."""

import numpy as np
import torch

from benchmarks.material import photographs
from benchmarks.measure import Results, Row, alternate, each
from vl_track.devices import choose_device
from vl_track.loading import load_network
from vl_track.tracking import Tracker, track_together

VIDEOS = 8


def measure(results: Results, rounds: int) -> None:
    """Time a frame of each of eight videos; both sides start every round from the same boxes."""
    device = choose_device()
    network = load_network().to(device)
    pictures, source = photographs((640, 480), VIDEOS)
    frames = [np.ascontiguousarray(picture[..., ::-1]) for picture in pictures]
    count = len(frames)
    trackers = [Tracker(network, device=device) for _ in frames]

    def start() -> None:
        for tracker, frame in zip(trackers, frames, strict=True):
            tracker.initialize(frame, (280.0, 200.0, 80.0, 80.0))

    def together() -> None:
        start()
        track_together(trackers, frames)

    def one_by_one() -> None:
        start()
        for tracker, frame in zip(trackers, frames, strict=True):
            tracker.track(frame)

    ours, theirs = alternate(
        lambda: each(together, 4) / count, lambda: each(one_by_one, 4) / count, rounds
    )
    aim = 3.0 if device.startswith("cuda") else 1.0
    where = torch.cuda.get_device_name() if device.startswith("cuda") else "CPU"
    results.rows.append(
        Row(
            path=f"{count} videos at once, {where}", unit="frame of one video", peer="one by one",
            ours=ours, theirs=theirs, aim=aim,
            note=f"the shipped tracker, cutting the template counted; {source}; the aim of 3x is a "
            "GPU's",
        )
    )  # fmt: skip
