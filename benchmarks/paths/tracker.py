"""Frames a second of the tracker, batch 1, beside OSTrack's with the same weights."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.child import Child
from benchmarks.material import FRAME_QUALITY, photographs
from benchmarks.measure import Results, Row, Skip, alternate, each, flops_per_second
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import MissingToolError
from vl_track.data.geometry import Box
from vl_track.data.images import read_image
from vl_track.finding import OFFICIAL, Network
from vl_track.graphs.writing import as_graph
from vl_track.loading import build_network
from vl_track.nn.network import AllInOne
from vl_track.nn.official import from_official
from vl_track.runtimes import Precision, Runtime
from vl_track.tracking import Tracker

SIZES = {256: (128, 4.0, 2 * 21.5e9), 384: (192, 5.0, 2 * 48.3e9)}
"""Search size: template size, search factor, operations of a frame (OSTrack's own figures)."""
FRAMES = 4
VARIANTS: tuple[tuple[Runtime, Precision, bool], ...] = (
    ("torch", "float32", False),
    ("torch", "float32", True),
    ("onnx", "float32", False),
    ("openvino", "float32", False),
    ("openvino", "float32", True),
    ("openvino", "bfloat16", False),
)
"""Runtime, precision, and whether decoding counts."""
START: Box = (600.0, 320.0, 120.0, 90.0)


def measure(results: Results, rounds: int) -> None:
    """ViT-B/16 with candidate elimination, random weights in the official layout."""
    for search in SIZES:
        _size(results, search, rounds)


def _size(results: Results, search: int, rounds: int) -> None:
    template, factor, operations = SIZES[search]
    threads = torch.get_num_threads()
    pictures, source = photographs((1280, 720), FRAMES)
    frames = np.stack([picture[..., ::-1] for picture in pictures])
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/frames.npy", frames)
        files = _write_jpegs(Path(folder), pictures)
        setting = {
            "weights": f"{folder}/weights.pth.tar", "frames": f"{folder}/frames.npy", "box": START,
            "search": search, "template": template, "factor": factor, "threads": threads,
            "files": files,
        }  # fmt: skip
        floor = operations / flops_per_second()
        with Child("ostrack_tracker.py", "OSTrack", setting) as peer:
            network = _same_weights(setting["weights"])
            for runtime, precision, decoded in VARIANTS:
                try:
                    other: Network = network
                    if runtime != "torch":
                        other = as_graph(network, Path(folder) / "graph", runtime, precision)
                except MissingToolError as reason:
                    results.skipped.append((f"tracker on {runtime}", str(reason)))
                    continue
                reader = Reader(files) if decoded else Reader(frames)
                ours, theirs, apart = _beside(peer, other, reader, rounds)
                if precision == "float32" and apart > 0.01:
                    raise Skip(f"{runtime} at {search} px: the boxes differ by {apart:.3g} pixels")
                how = "decoding 1280 x 720 JPEG counted" if decoded else "decoding not counted"
                results.rows.append(
                    Row(
                        path=f"tracker, ViT-B/16 at {search} px, {_named(runtime, precision)}"
                        + (", decoding" if decoded else ""),
                        unit="frame", peer="OSTrack", ours=ours, theirs=theirs, aim=1.5,
                        floor=floor if precision == "float32" else 0.0,
                        note=f"CPU, {threads} threads, {precision} (the peer in float32), batch 1, "
                        f"{how}, 1280 x 720 ({source}); each frame started from the same box, "
                        f"which agrees to {apart:.4f} px",
                    )
                )  # fmt: skip


def _beside(
    peer: Child, network: Network, reader: "Reader", rounds: int
) -> tuple[list[float], list[float], float]:
    """Time both sides in turn; return the seconds, and how far the boxes are apart in pixels."""
    network.conventions = OFFICIAL
    tracker = Tracker(network)
    boxes: list[Box] = []

    def frame() -> None:
        tracker.initialize(reader.read(0), START)
        boxes.append(tracker.track(reader.read(len(boxes) % (FRAMES - 1) + 1)).box)

    decode = {"decode": reader.decodes}

    def theirs() -> float:
        return float(peer.ask({"count": FRAMES - 1, **decode})["seconds"])

    mine, other = alternate(lambda: each(frame, FRAMES - 1), theirs, rounds, peer=peer.pid)
    answer = peer.ask({"count": FRAMES - 1, **decode})
    return mine, other, float(np.abs(np.array(boxes[1 - FRAMES :]) - answer["boxes"]).max())


class Reader:
    """Frames from memory or, decoded anew, from files.

    Args:
        source: (N, H, W, 3) RGB uint8, or paths.
    """

    def __init__(self, source: NDArray[np.uint8] | list[str]) -> None:
        self.source = source
        self.decodes = isinstance(source, list)

    def read(self, place: int) -> NDArray[np.uint8]:
        """Return a frame."""
        one = self.source[place]
        return read_image(Path(one)) if isinstance(one, str) else one


def _write_jpegs(folder: Path, pictures: list[NDArray[np.uint8]]) -> list[str]:
    files = [str(folder / f"{number}.jpg") for number in range(len(pictures))]
    for file, picture in zip(files, pictures, strict=True):
        cv2.imwrite(file, picture, [cv2.IMWRITE_JPEG_QUALITY, FRAME_QUALITY])
    return files


def _named(runtime: Runtime, precision: Precision) -> str:
    return {"torch": "PyTorch", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}[runtime] + (
        "" if precision == "float32" else f" in {precision}"
    )


def _same_weights(path: str) -> AllInOne:
    """Return our network with the weights that the peer has drawn and saved."""
    converted = from_official(read_checkpoint(path)["net"])
    network = build_network(converted.config, path)
    network.load_state_dict(converted.weights)
    return network
