"""``vl-track score``: success AUC of a model on held-out Scenes."""

import json
import sys

import numpy as np
from rich.progress import Progress

import vl_track
from holdfast.atomic import write_text
from holdfast.data.roots import data_root
from holdfast.outputs import check_files
from vl_track.data.prompts import PromptKind
from vl_track.runtimes import Precision, Runtime
from vl_track.scenes.clips import scenes_videos
from vl_track.scenes.grammar import Split
from vl_track.scenes.make import Difficulty
from vl_track.scenes.sprites import prepare_sprites
from vl_track.scoring.conventions import PLAIN
from vl_track.scoring.runs import run_video
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
    runtime: Runtime = "torch",
    precision: Precision = "float32",
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
        runtime: ``torch``, or, for one frame at a time on the CPU, ``onnx`` or ``openvino``.
        precision: ``float32``; ``bfloat16`` with OpenVINO, ``int8`` with ONNX Runtime.
        options: of the tracker.
    """
    if out:
        check_files([out], [weights] if weights else [], overwrite=overwrite)
    folder = data_root(root)
    if emoji:
        prepare_sprites(folder)
    videos = scenes_videos(folder, count, split=split, difficulty=difficulty)
    tracker = vl_track.load(weights, options=options, runtime=runtime, precision=precision)
    with Progress(disable=not sys.stderr.isatty()) as progress:
        shown = progress.track(videos, description="tracking")
        runs = [run_video(tracker, video, prompt=prompt) for video in shown]
    aucs = np.array([run.auc for run in runs])
    error = aucs.std(ddof=1) / np.sqrt(len(aucs)) if len(aucs) > 1 else float("nan")
    rate = sum(len(run.boxes) for run in runs) / sum(run.seconds for run in runs)
    sys.stdout.write(
        f"Success AUC {aucs.mean():.3f} +- {error:.3f} (standard error over {count} videos) on "
        f"Scenes {split}, {difficulty}, prompt {prompt} (synthetic video)\n"
        f"convention {PLAIN}\ntracker {rate:.1f} FPS, drawing not counted\n"
    )
    if out:
        record = {
            "auc": float(aucs.mean()),
            "standard_error": float(error),
            "convention": PLAIN,
            "frames_per_second": rate,
            "per_video": {run.name: run.auc for run in runs},
        }
        write_text(out, json.dumps(record, indent=2) + "\n")
