"""Several dropout rates from one stream of pictures, against one stream for each."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.material import domain_folder
from benchmarks.measure import Results, Row, alternate, each
from benchmarks.paths.pictures import make_data
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.module import FineTuning
from holdfast.training.shared_batches import STREAM, stream_folder

MEMBERS = 4
NETWORK = "tf_efficientnet_lite0"
MOST = 1.3
"""Times the cost of forward and backward alone."""
Batch = dict[str, Tensor]


def measure(results: Results, rounds: int) -> None:
    """Time a step of every member, all layers trained and all but the last two stages frozen."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        source = domain_folder(root)
        try:
            for frozen in (0, 7):
                _members(results, root, source, frozen, rounds)
        finally:
            shutil.rmtree(stream_folder(root), ignore_errors=True)


def _members(results: Results, root: Path, source: str, frozen: int, rounds: int) -> None:
    steps = [_stepper(frozen, rate) for rate in (0.0, 0.5, 0.9, 0.95)[:MEMBERS]]
    alone = [_loader(root) for _ in steps]
    os.environ[STREAM] = str(stream_folder(root))
    together = [_loader(root) for _ in steps]
    del os.environ[STREAM]
    held = next(_loader(root))

    def shared() -> None:
        for step, loader in zip(steps, together, strict=True):
            step(next(loader))

    def separate() -> None:
        for step, loader in zip(steps, alone, strict=True):
            step(next(loader))

    def bare() -> None:
        for step in steps:
            step(held)

    what = "all layers trained" if not frozen else "two stages trained"
    peers: list[tuple[str, Callable[[], None], float]] = [
        ("forward and backward alone", bare, 1 / MOST),
        ("a stream for each", separate, 1.0),
    ]
    for peer, work, aim in peers:
        ours, theirs = alternate(lambda: each(shared, 1), lambda work=work: each(work, 1), rounds)
        results.rows.append(
            Row(
                path=f"{MEMBERS} dropout rates, one stream, {what}", unit=f"step of {MEMBERS} runs",
                peer=peer, ours=ours, theirs=theirs, aim=aim,
                note=f"{NETWORK}, 12 pictures at 224 px, augmentation pillow, CPU, "
                f"{torch.get_num_threads()} threads, the runs taking turns in one process; at most "
                f"{MOST} times forward and backward is a ratio of {1 / MOST:.2f}; {source}",
            )
        )  # fmt: skip


def _loader(root: Path) -> Iterator[Any]:
    module = FineTuning(TimmBackbone("test_resnet", weights="none"), ["a"])
    return iter(make_data(root, "pillow", 0, module).train_dataloader())


def _stepper(frozen: int, rate: float) -> Callable[[Batch], None]:
    backbone = TimmBackbone(NETWORK, weights="none")
    module = FineTuning(
        backbone, [f"c{i}" for i in range(4)], frozen_stages=frozen, dropout_rate=rate
    )
    optimizer = module.make_optimizer(module.parameters())
    module.train()
    module.model.head.calibrate(torch.randn(8, backbone.num_features))

    def step(batch: Batch) -> None:
        loss = module.objective(module.model, batch)["loss"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step
