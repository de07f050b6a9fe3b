"""Job ``bench``: speed of training, tracking and evaluation on the device."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.budget import Budget
from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.options import Options
from benchmarks.material import domain_folder, photographs
from dropout_ft.data import DomainData
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.module import FineTuning
from vl_track.loading import load_network
from vl_track.nn.backbone import JointTransformer
from vl_track.nn.heads import CentreHead
from vl_track.nn.network import AllInOne
from vl_track.nn.text import NoText
from vl_track.tracking import Tracker, track_together

Measurement = Callable[[Options], dict[str, Any]]
START = (300.0, 200.0, 80.0, 80.0)


def run(options: Options, budget: Budget, ledger: Ledger) -> None:
    """Measure every row that is not there, until the time is over."""
    for name, measure in _rows(options):
        if budget.over:
            return
        if name not in ledger:
            ledger.add(name, **measure(options))


def _rows(options: Options) -> Iterator[tuple[str, Measurement]]:
    networks = ["test_vit"] if options.miniature else ["resnet50", "vit_base_patch16_224"]
    for network in networks:
        for precision in (torch.float32, torch.bfloat16):
            kind = str(precision).removeprefix("torch.")
            yield f"fine-tuning step, {network}, {kind}", _training(network, precision)
    sizes = [64] if options.miniature else [256, 384]
    for size in sizes:
        for how in ("eager float32", "eager bfloat16", "CUDA graphs bfloat16"):
            if options.device == "cuda" or "CUDA" not in how:
                yield f"tracker ViT-B/16 at {size} px, batch 1, {how}", _tracking(size, how)
    yield "16 videos at once, shipped tracker", _together
    yield "evaluating LaSOT-280", _evaluation


def _seconds(work: Callable[[], object], device: str, count: int) -> dict[str, float]:
    """Return the median and the spread of a call's milliseconds."""
    found = []
    for number in range(count + 2):
        started = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        if number >= 2:  # the first calls compile and choose algorithms
            found.append(1000 * (time.perf_counter() - started))
    return {
        "ms": round(statistics.median(found), 3),
        "least": round(min(found), 3),
        "greatest": round(max(found), 3),
    }


def _autocast(device: str, precision: torch.dtype) -> torch.autocast:
    return torch.autocast(device, dtype=torch.bfloat16, enabled=precision != torch.float32)


def _training(network: str, precision: torch.dtype) -> Measurement:
    """A step with loading: 32 pictures of each of three domains, all layers trained."""

    def measure(options: Options) -> dict[str, Any]:
        batch, side = (2, 32) if options.miniature else (32, 224)
        module = FineTuning(TimmBackbone(network, weights="none"), [f"c{k}" for k in range(4)])
        module.to(options.device).train()
        optimizer = torch.optim.SGD(module.parameters(), 1e-3)
        with tempfile.TemporaryDirectory() as folder:
            source = domain_folder(Path(folder) / "pictures")
            batches = iter(_loader(Path(folder) / "pictures", module, batch, side, options))

            def step() -> None:
                found = next(batches)
                moved = {
                    key: value.to(options.device, non_blocking=True)
                    for key, value in found.items()
                    if isinstance(value, torch.Tensor)
                }
                with _autocast(options.device, precision):
                    loss = module.objective(module.model, {**found, **moved})["loss"]
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

            times = _seconds(step, options.device, 3 if options.miniature else 30)
        rate = round(3 * batch / (times["ms"] / 1000), 1)
        return {"unit": f"step of {3 * batch} pictures", **times, "a second": rate, "note": source}

    return measure


def _loader(root: Path, module: FineTuning, batch: int, side: int, options: Options) -> Any:  # noqa: ANN401
    data = DomainData(
        str(root), [], global_batch_size=batch, image_size=side, augmentation="opencv",
        cached_side=0 if options.miniature else 256,
        num_workers=0 if options.miniature else 8,
    )  # fmt: skip
    position: Any = SimpleNamespace(
        world_size=1, global_rank=0, global_step=0, accumulate_grad_batches=1
    )
    data.trainer = position
    data.use_network(module.model).setup("fit")
    return data.train_dataloader()


def _tracking(size: int, how: str) -> Measurement:
    """A frame from memory to its box, random weights."""

    def measure(options: Options) -> dict[str, Any]:
        narrow: dict[str, Any] = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 64}
        network = AllInOne(
            JointTransformer(
                "vit_tiny_patch16_224" if options.miniature else "vit_base_patch16_224",
                template_size=size // 2, search_size=size,
                elimination_blocks=[1] if options.miniature else [3, 6, 9],
                options=narrow if options.miniature else {},
            ),
            NoText(),
            partial(CentreHead, channels=16 if options.miniature else 256),
        ).to(options.device).eval()  # fmt: skip
        if "CUDA graphs" in how:
            network.compile(mode="reduce-overhead")
        precision = torch.bfloat16 if "bfloat16" in how else torch.float32
        tracker = Tracker(network, device=options.device)
        frame = np.ascontiguousarray(photographs((1280, 720), 1)[0][0][..., ::-1])
        with _autocast(options.device, precision), torch.inference_mode():
            tracker.initialize(frame, START)
            times = _seconds(
                lambda: tracker.track(frame), options.device, 3 if options.miniature else 60
            )
        return {"unit": "frame", **times, "a second": round(1000 / times["ms"], 1)}

    return measure


def _together(options: Options) -> dict[str, Any]:
    """One frame of each of sixteen videos in one pass, the shipped weights."""
    count = 2 if options.miniature else 16
    network = load_network().to(options.device)
    pictures, source = photographs((640, 480), count)
    frames = [np.ascontiguousarray(picture[..., ::-1]) for picture in pictures]
    frames = (frames * count)[:count]
    trackers = [Tracker(network, device=options.device) for _ in frames]
    for tracker, frame in zip(trackers, frames, strict=True):
        tracker.initialize(frame, START)
    times = _seconds(
        lambda: track_together(trackers, frames), options.device, 2 if options.miniature else 40
    )
    rate = round(count * 1000 / times["ms"], 1)
    return {"unit": f"frame of {count} videos", **times, "a second": rate, "note": source}


def _evaluation(options: Options) -> dict[str, Any]:
    """Rows of the CPU's table that a machine with a GPU should show too."""
    from benchmarks.measure import Results, Skip  # noqa: PLC0415
    from benchmarks.paths import evaluation  # noqa: PLC0415

    if options.miniature:
        return {"unit": "tracker", "note": "left out of the miniature"}
    results = Results()
    try:
        evaluation.measure(results, 3)
    except Skip as reason:
        return {"unit": "tracker", "note": str(reason)}
    times = [1000 * second for row in results.rows for second in row.ours]
    return {"unit": "tracker", "ms": round(statistics.median(times), 1)}
