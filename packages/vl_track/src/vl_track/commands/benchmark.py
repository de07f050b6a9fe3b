"""``vl-track benchmark``: run a tracker over a benchmark, in parallel, resumable, kill-safe."""

import json
import sys
from hashlib import sha256
from pathlib import Path

from rich.progress import Progress

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from vl_track.data.sets.base import Split
from vl_track.data.sets.known import known_set, open_set
from vl_track.loading import DEFAULT, load_network, packaged
from vl_track.results import Layout
from vl_track.runtime import check, device_for, on_runtime
from vl_track.runtimes import Precision, Runtime
from vl_track.scoring.engines import Engine, Work, in_processes, on_ray
from vl_track.scoring.jobs import Outcome, Plan, open_folder, summary
from vl_track.scoring.runs import Follower, Told
from vl_track.tracking import Tracker, TrackerOptions


def benchmark(
    dataset: str,
    *,
    out: str | None = None,
    weights: str | None = None,
    root: str | None = None,
    split: Split = "test",
    told: Told = "both",
    text: bool = True,
    layout: Layout = "pytracking",
    engine: Engine = "processes",
    workers: int = 1,
    address: str | None = None,
    gpus: float = 0.0,
    sequences: list[str] | None = None,
    device: str | None = None,
    runtime: Runtime = "torch",
    precision: Precision = "float32",
    options: TrackerOptions | None = None,
) -> None:
    """Track every sequence of a benchmark and write raw results.

    Giving the same command again goes on where it stopped: a sequence is skipped only if its files
    are whole and made by the same model, options and data.

    Args:
        dataset: its name (`vl-track data list`).
        out: folder of the results; by default ``results/DATASET``.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        root: data root.
        split: which part.
        told: ``both``, ``box`` or ``sentence``.
        text: whether sentences are given (the author's trick is to give none).
        layout: of the result files; ``pytracking`` cuts coordinates to whole numbers.
        engine: ``processes`` on this machine, or ``ray``.
        workers: processes.
        address: of a Ray cluster; a local one otherwise.
        gpus: share of a GPU for each Ray task.
        sequences: track these only.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, or, for one frame at a time on the CPU, ``onnx`` or ``openvino``.
        precision: ``float32``; ``bfloat16`` with OpenVINO, ``int8`` with ONNX Runtime.
        options: of the tracker.
    """
    check(runtime, precision)
    known_set(dataset)
    folder = Path(out or f"results/{dataset}")
    names = _names(dataset, split, root, sequences)
    given = options or TrackerOptions()
    plan = Plan(
        dataset=dataset, split=split, told=told, text=text, layout=layout,
        weights=digest_of(weights) + _said(runtime, precision), options=vars(given),
    )  # fmt: skip
    open_folder(folder, plan)
    work = Work(
        plan=plan, root=root, out=str(folder), tracker=f"{__name__}:make_tracker",
        arguments={
            "weights": weights, "options": vars(given), "device": device, "runtime": runtime,
            "precision": precision,
        },
    )  # fmt: skip
    if engine == "ray":
        running = on_ray(work, names, address=address, gpus=gpus)
    else:
        running = in_processes(work, names, workers)
    outcomes: list[Outcome] = []
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(f"{dataset} {split}", total=len(names))
        for outcome in running:
            outcomes.append(outcome)
            progress.update(task, advance=1)
    _tell(folder, outcomes)


def make_tracker(
    weights: str | None,
    options: dict[str, object],
    device: str | None,
    runtime: Runtime = "torch",
    precision: Precision = "float32",
) -> Follower:
    """Make the tracker in whichever process runs it."""
    network = on_runtime(load_network(weights), runtime, precision)
    return Tracker(network, TrackerOptions(**options), device_for(runtime, device))  # type: ignore[arg-type]


def _said(runtime: Runtime, precision: Precision) -> str:
    """Return what tells results of another runtime apart; nothing for PyTorch's."""
    return "" if runtime == "torch" else f" on {runtime} in {precision}"


def digest_of(weights: str | None) -> str:
    """Return a digest of a model's files, so that results of another model are never mixed in."""
    source = Path(weights) if weights is not None else packaged(DEFAULT)
    if not source.exists():
        raise ConfigError(f"There is no model at {source}: check --weights.")
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    digest = sha256()
    for path in files:
        if path.suffix in {".safetensors", ".json", ".ckpt"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _names(dataset: str, split: Split, root: str | None, sequences: list[str] | None) -> list[str]:
    names = open_set(dataset, split, root=root).names
    unknown = sorted(set(sequences or []) - set(names))
    if unknown:
        raise ConfigError(f"{dataset} {split} has no sequence {', '.join(unknown)}.")
    return [name for name in names if sequences is None or name in set(sequences)]


def _tell(folder: Path, outcomes: list[Outcome]) -> None:
    found = summary(outcomes)
    write_text(folder / "last_launch.json", json.dumps(found, indent=1) + "\n")
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
            f"{len(found['failed'])} of {len(outcomes)} sequences failed: see the lines above, "
            "then give the same command again."
        )
