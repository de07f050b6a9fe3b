"""Exported networks beside PyTorch, one picture or frame at a time on the CPU."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.measure import Results, Row, alternate, each
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.module import FineTuning
from holdfast.errors import MissingToolError
from holdfast.exporting import export_network
from vl_track.exporting import example_inputs
from vl_track.finding import Network, Sentence
from vl_track.graphs.network import GraphNetwork
from vl_track.loading import load_network
from vl_track.packaged import packaged
from vl_track.runtimes import Precision, Runtime

CLASSIFIERS = ("tf_efficientnet_lite0", "resnet50")
RUNTIMES: tuple[tuple[Runtime, Precision], ...] = (
    ("onnx", "float32"),
    ("openvino", "float32"),
    ("openvino", "bfloat16"),
)
COUNT = 8


def measure(results: Results, rounds: int) -> None:
    """Time the shipped tracker's network on every runtime, and two classifiers' files."""
    with tempfile.TemporaryDirectory() as folder:
        _tracker(results, rounds)
        for name in CLASSIFIERS:
            _classifier(results, name, Path(folder), rounds)


def _tracker(results: Results, rounds: int) -> None:
    """Time :meth:`Network.find`, as a tracker calls it, with as many threads as PyTorch has."""
    network = load_network()
    given = {name: one.numpy() for name, one in example_inputs(network).items()}
    target = np.zeros((1, 4), np.float32)
    prior = np.ones((1, network.search_grid, network.search_grid), np.float32)
    asked = (given["template"], given["search"], Sentence(given["text"], given["present"]))

    def ask(one: Network) -> Callable[[], float]:
        return lambda: each(lambda: one.find(*asked, target, prior), COUNT)

    for runtime, precision in RUNTIMES:
        try:
            threads = torch.get_num_threads()
            other = GraphNetwork(packaged(), runtime, precision, threads=threads)
        except MissingToolError as reason:
            results.skipped.append((f"the shipped tracker on {runtime}", str(reason)))
            continue
        answers = [one.find(*asked, target, prior).boxes for one in (network, other)]
        apart = float(np.abs(answers[0] - answers[1]).max()) * network.search_size
        ours, theirs = alternate(ask(other), ask(network), rounds)
        results.rows.append(
            Row(
                path=f"the shipped tracker's network, {runtime} in {precision}", unit="frame",
                peer="PyTorch", ours=ours, theirs=theirs, aim=1.0,
                note=f"CPU, {threads} threads, PyTorch in float32; the box differs by "
                f"{apart:.6f} pixels of the crop",
            )
        )  # fmt: skip


def _classifier(results: Results, name: str, folder: Path, rounds: int) -> None:
    network = _network(name)
    picture = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8)

    @torch.inference_mode()
    def plain() -> None:
        network(picture)

    files = {}
    kinds = ("onnx", "aoti") if shutil.which("g++") else ("onnx",)
    for kind in kinds:
        files[kind], _ = export_network(
            network, {"image": picture}, folder / name, kind, outputs=["logits"],
            dynamic_batch=False,
        )  # fmt: skip
    for kind, answer in _sessions(files, picture.numpy()).items():
        ours, theirs = alternate(
            lambda answer=answer: each(answer, COUNT), lambda: each(plain, COUNT), rounds
        )
        results.rows.append(
            Row(
                path=f"exported classifier, {name}, {kind}", unit="picture", peer="PyTorch",
                ours=ours, theirs=theirs, aim=1.0,
                note=f"CPU, {torch.get_num_threads()} threads, 224 px, batch 1, random weights, "
                "channels_last in PyTorch",
            )
        )  # fmt: skip


def _network(name: str) -> nn.Module:
    backbone = TimmBackbone(name, weights="none")
    module = FineTuning(backbone, [f"c{i}" for i in range(10)])
    module.model.head.calibrate(torch.randn(8, backbone.num_features))
    return module.model.eval()


def _sessions(files: dict[str, Path], picture: np.ndarray) -> dict[str, Callable[[], object]]:
    import onnxruntime  # noqa: PLC0415  (a developer's tool)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(files["onnx"]), options)
    found: dict[str, Callable[[], object]] = {
        "ONNX Runtime": lambda: session.run(None, {"image": picture})
    }
    if "aoti" in files:
        package = torch._inductor.aoti_load_package(str(files["aoti"]))
        tensor = torch.from_numpy(picture)
        found["AOTInductor"] = lambda: package(tensor)
    return found
