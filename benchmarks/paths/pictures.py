"""The input pipeline alone, and whole training steps, beside DomainBed's."""

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from benchmarks.child import Child
from benchmarks.material import domain_folder
from benchmarks.measure import Results, Row, alternate, each, flops_per_second
from dropout_ft.data import DomainData
from dropout_ft.data.transforms import Library
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.module import FineTuning

BATCH = 4
NETWORKS = {"resnet50": 8.2e9, "tf_efficientnet_lite0": 0.8e9}
"""Floating-point operations of one picture's forward pass at 224 px."""


PIPELINES: tuple[tuple[Library, int, float], ...] = (
    ("opencv", 0, 2.0),
    ("opencv", 256, 3.0),
    ("pillow", 0, 1.0),
)
"""Who augments, the side that is kept decoded, and the aim."""
NAMES = {"opencv": "the default", "pillow": "Pillow, DomainBed's to the bit"}


def measure(results: Results, rounds: int) -> None:
    """Decode and augment; then the same with forward, backward and the optimiser."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        source = domain_folder(root)
        _pipeline(results, root, source, rounds)
        for network in NETWORKS:
            _step(results, root, source, network, rounds)


def _pipeline(results: Results, root: Path, source: str, rounds: int) -> None:
    setting = {"what": "load", "root": str(root), "batch": BATCH, "threads": 1, "network": ""}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with Child("domainbed_steps.py", "DomainBed", setting) as peer:
        for library, side, aim in PIPELINES:
            batches = _batches(root, library, side)
            ours, theirs = alternate(
                lambda batches=batches: each(lambda: next(batches), 8) / (3 * BATCH),
                lambda: peer.seconds(8) / (3 * BATCH),
                rounds,
                peer=peer.pid,
            )
            kept = f", decoded once at {side} px" if side else ""
            results.rows.append(
                Row(
                    path=f"input pipeline, {NAMES[library]}{kept}", unit="picture",
                    peer="DomainBed", ours=ours, theirs=theirs, aim=aim,
                    note=f"one core, decode and augment to 224 px; {source}",
                )
            )  # fmt: skip
    torch.set_num_threads(threads)


def _step(results: Results, root: Path, source: str, network: str, rounds: int) -> None:
    threads = torch.get_num_threads()
    setting = {
        "what": "step", "root": str(root), "batch": BATCH, "threads": threads, "network": network,
    }  # fmt: skip
    with Child("domainbed_steps.py", "DomainBed", setting) as peer:
        step = _our_step(root, network)
        ours, theirs = alternate(
            lambda: each(step, 2), lambda: peer.seconds(2), rounds, peer=peer.pid
        )
    floor = 3 * NETWORKS[network] * 3 * BATCH / flops_per_second()
    results.rows.append(
        Row(
            path=f"fine-tuning step, {network}", unit=f"step of {3 * BATCH} pictures",
            peer="DomainBed", ours=ours, theirs=theirs, aim=2.0, floor=floor,
            note=f"CPU, {threads} threads, loading included, all layers trained, float32; {source}",
        )
    )  # fmt: skip


def _module(network: str) -> FineTuning:
    return FineTuning(TimmBackbone(network, weights="none"), [f"c{i}" for i in range(4)])


def make_data(
    root: Path, library: Library, side: int, module: FineTuning, *, workers: int = 0
) -> DomainData:
    """Return the data module of a folder, set up for a network."""
    data = DomainData(
        str(root),
        [],
        global_batch_size=BATCH,
        image_size=224,
        augmentation=library,
        cached_side=side,
        num_workers=workers,
    )
    trainer: Any = SimpleNamespace(
        world_size=1, global_rank=0, global_step=0, accumulate_grad_batches=1
    )
    data.trainer = trainer
    data.use_network(module.model).setup()
    return data


def _batches(root: Path, library: Library, side: int) -> Iterator[Any]:
    return iter(make_data(root, library, side, _module("test_resnet")).train_dataloader())


def _our_step(root: Path, network: str) -> Any:  # noqa: ANN401  (a function of nothing)
    module = _module(network)
    batches = iter(make_data(root, "opencv", 256, module).train_dataloader())
    optimizer = module.make_optimizer(module.parameters())
    module.train()
    module.model.head.calibrate(torch.randn(8, module.model.backbone.num_features))

    def step() -> None:
        batch: dict[str, Tensor] = next(islice(batches, 1))
        loss = module.objective(module.model, batch)["loss"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step
