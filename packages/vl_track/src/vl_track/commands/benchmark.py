"""``vl-track benchmark``: run a tracker over a benchmark, in parallel, resumable, kill-safe."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from holdfast.jobs.engines import Engine, Resources, run_pool
from holdfast.jobs.pool import Pool
from holdfast.jobs.progress import status_of, watch
from holdfast.outputs import keep_apart
from vl_track.choosing import Choice
from vl_track.commands import presets
from vl_track.commands.trusted import own_classes
from vl_track.data.prompts import PromptKind
from vl_track.data.sets.base import Split, VideoSet
from vl_track.graphs.kept import digest_of_model
from vl_track.opening import settle
from vl_track.results import Layout
from vl_track.runtimes import Precision, Runtime
from vl_track.scoring.benchmarking import (
    Places,
    Plan,
    forget_broken,
    make_pool,
    open_folder,
    summary,
)
from vl_track.scoring.sets import folders_of, open_set
from vl_track.tracking.loop import ObjectTracker
from vl_track.tracking.options import TrackerOptions

SHOWN = 30
"""Names of sequences that an error lists."""


def benchmark(
    dataset: str,
    *,
    out: str | None = None,
    weights: str | None = None,
    root: str | None = None,
    folder: str | None = None,
    split: Split = "test",
    prompt: PromptKind = "box+text",
    layout: Layout | None = None,
    engine: Engine = "processes",
    workers: int = 1,
    cpus: int = 0,
    gpus: float = 0.0,
    address: str | None = None,
    partition: str | None = None,
    minutes: int = 24 * 60,
    time_limit: float = 0.0,
    retry_failed: bool = True,
    sequences: list[str] | None = None,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    options: TrackerOptions | None = None,
) -> None:
    """Track every sequence of a benchmark and write raw results.

    The same command goes on where it stopped: a sequence is skipped only if its files are whole and
    made by the same model, options and data.

    Args:
        dataset: its name (`vl-track data list`).
        out: folder of the results; by default ``results/DATASET``.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        root: data root.
        folder: the data set's own folder, where it does not lie below the data root.
        split: which part.
        prompt: what the tracker gets: ``box+text``, ``box`` or ``text``.
        layout: of the result files; ``pytracking`` cuts coordinates to whole numbers. By default
            ``got10k`` for GOT-10k and ``pytracking`` for the others.
        engine: ``processes`` on this machine, ``ray`` or ``slurm``.
        workers: processes; each opens the tracker once. On this machine each gets a GPU of its own.
        cpus: cores of a worker; 0 shares the machine's out.
        gpus: share of a GPU for each worker; 0.25 puts four on one.
        address: of a Ray cluster; a local one otherwise.
        partition: of Slurm.
        minutes: longest time of a Slurm job.
        time_limit: minutes after which a sequence is ended and marked as failed; 0 sets no limit.
        retry_failed: try sequences again that failed before.
        sequences: track these only.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``; see ``vl_track.load``.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of the tracker.
    """
    videos = open_set(dataset, split, root=root, folder=folder)
    model = digest_of_model(weights)
    choice = settle(weights, device=device, runtime=runtime, precision=precision,
                    classes=own_classes(classes)).choice  # fmt: skip
    given = vars(options or TrackerOptions())
    plan = Plan(
        dataset=dataset, split=split, prompt=prompt, options=given,
        layout=layout or ("got10k" if dataset == "got10k" else "pytracking"),
        weights=model + _runtime_name(choice),
    )  # fmt: skip
    made: dict[str, Any] = {**choice._asdict(), "weights": weights, "options": given,
                            "device": device, "classes": classes}  # fmt: skip
    places = Places(root=root, folder=folder, tracker=made)
    results = Path(out or f"results/{dataset}")
    read = folders_of(dataset, root=root, folder=folder)
    keep_apart([results], [*read, *([weights] if weights else [])])
    names = _chosen(videos, dataset, sequences)
    pool = _prepare(results, plan, names, places, retry_failed=retry_failed)
    resources = Resources(workers=workers, cpus=cpus, gpus=gpus, address=address,
                          partition=partition, minutes=minutes,
                          job_seconds=60 * time_limit)  # fmt: skip
    run(pool, videos, engine, resources)


def _prepare(
    results: Path, plan: Plan, names: list[str], places: Places, *, retry_failed: bool
) -> Pool:
    """Open the folder of the results and describe what is to be done there."""
    open_folder(results, plan)
    pool = make_pool(results, plan, names, f"{__name__}:make_tracker", places)
    pool.describe()
    if retry_failed:
        pool.retry_failed()
    return pool


def run(pool: Pool, videos: VideoSet, engine: Engine, resources: Resources) -> None:
    """Track what is not done, and say how it ended.

    Raises:
        DataError: sequences failed; they are named.
    """
    before = forget_broken(pool, videos)
    if pool.open_folders():
        watch(run_pool(pool, engine, resources), lambda: status_of(pool, resources.workers))
    found = summary(pool, before)
    write_text(pool.root / "last_launch.json", json.dumps(found, indent=1) + "\n")
    _print_summary(pool.root, found, len(pool.jobs))


def make_tracker(
    weights: str | None,
    options: dict[str, Any],
    device: str | None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: Sequence[str] = (),
) -> ObjectTracker:
    """Make the tracker in whichever process runs it."""
    return presets.make_tracker(
        weights, TrackerOptions(**options), device, runtime, precision, classes
    )


def _runtime_name(choice: Choice) -> str:
    """Return what tells results of another runtime apart; nothing for PyTorch's."""
    return "" if choice.runtime == "torch" else f" on {choice.runtime} in {choice.precision}"


def _chosen(videos: VideoSet, dataset: str, sequences: list[str] | None) -> list[str]:
    unknown = sorted(set(sequences or []) - set(videos.names))
    if unknown:
        some = ", ".join(videos.names[:SHOWN]) + (", ..." if len(videos.names) > SHOWN else "")
        raise ConfigError(
            f"{dataset} {videos.split} has no sequence {', '.join(unknown)}. It has {some}."
        )
    return [name for name in videos.names if sequences is None or name in set(sequences)]


def _print_summary(folder: Path, found: dict[str, Any], count: int) -> None:
    rates = [found["frames_per_second_tracker"], found["frames_per_second_with_decoding"]]
    speed = "" if rates[0] is None else (
        f", {found['frames']} frames at {rates[0]:.1f} a second in each worker "
        f"({rates[1]:.1f} with decoding)"
    )  # fmt: skip
    sys.stdout.write(
        f"{found['done']} sequences tracked, {found['kept']} were there{speed}\n"
        f"results in {folder}\n"
    )
    if found["failed"]:
        for name, error in found["failed"].items():
            sys.stderr.write(f"{name}: {error}\n")
        raise DataError(
            f"{len(found['failed'])} of {count} sequences failed: see the lines above, then give "
            "the same command again."
        )
