"""``vl-track score``: success AUC of a model on held-out Scenes."""

import sys

import numpy as np

from vl_track import opening
from vl_track.commands import presets
from vl_track.data.prompts import PromptKind
from vl_track.runtimes import Precision, Runtime
from vl_track.scenes.grammar import Split
from vl_track.scenes.make import Difficulty
from vl_track.scoring.conventions import PLAIN
from vl_track.scoring.runs import SequenceResult, run_video
from vl_track.tracking.options import TrackerOptions


def score(
    *,
    weights: str | None = None,
    count: int = 40,
    split: Split = "test",
    difficulty: Difficulty = "standard",
    prompt: PromptKind = "box+text",
    root: str | None = None,
    emoji: bool = True,
    out: str | None = None,
    overwrite: bool = False,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    options: TrackerOptions | None = None,
) -> None:
    """Track held-out Scenes and print the mean success AUC with its standard error.

    Args:
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        count: videos, seeds 0 to ``count - 1``.
        split: ``test`` shows sprites, photographs and wordings training never saw.
        difficulty: ``standard`` or ``distractors``.
        prompt: what the tracker gets: ``box+text``, ``box`` or ``text``.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        emoji: fetch and draw emoji; without them objects are shapes and patches.
        out: JSON to write.
        overwrite: replace it if it exists.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of the tracker.
    """
    presets.check_record(out, weights, overwrite=overwrite)
    videos = presets.scenes(root, count, split=split, difficulty=difficulty, emoji=emoji)
    tracker = presets.make_tracker(weights, options, device, runtime, precision, classes, videos)
    runs = []
    with presets.progress(len(videos)) as advance:
        for video in videos:
            runs.append(run_video(tracker, video, prompt=prompt))
            advance()
    record = as_record(runs)
    error = record["standard_error"]
    spread = "(one video has no standard error)"
    if error is not None:
        spread = f"+- {error:.3f} (standard error over {count} videos)"
    sys.stdout.write(
        f"Success AUC {record['auc']:.3f} {spread} on Scenes {split}, {difficulty}, prompt "
        f"{prompt} (synthetic video)\n"
        f"convention {PLAIN}\n"
        f"tracker {record['frames_per_second']:.1f} FPS, drawing not counted, "
        f"{opening.named(tracker.network)}\n"
    )
    presets.write_record(out, record)


def as_record(runs: list[SequenceResult]) -> dict[str, object]:
    """Return the figures for JSON."""
    aucs = np.array([run.auc for run in runs])
    error = float(aucs.std(ddof=1) / np.sqrt(len(aucs))) if len(aucs) > 1 else None
    return {
        "auc": float(aucs.mean()),
        "standard_error": error,
        "convention": PLAIN,
        "frames_per_second": sum(len(run.boxes) for run in runs) / sum(run.seconds for run in runs),
        "per_video": {run.name: run.auc for run in runs},
    }
