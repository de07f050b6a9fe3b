"""``vl-track ablate-language``: does the sentence matter?"""

import sys

from vl_track.commands import presets
from vl_track.data.prompts import PromptKind
from vl_track.runtimes import Precision, Runtime
from vl_track.scenes.grammar import Split
from vl_track.scenes.make import Difficulty
from vl_track.scoring.conventions import PLAIN
from vl_track.scoring.language import CONDITIONS, Ablation, ablate
from vl_track.tracking.options import TrackerOptions


def ablate_language(
    *,
    weights: str | None = None,
    count: int = 40,
    split: Split = "test",
    difficulty: Difficulty = "distractors",
    prompts: list[PromptKind] | None = None,
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
    """Score the same model with the right sentence, none, another video's, and a swapped one.

    Swapped is the right sentence with its words of place and size turned round: left for right,
    larger for smaller. It is scored on the videos whose sentence has such a word.

    Args:
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        count: videos of Scenes, seeds 0 to ``count - 1``.
        split: ``test`` shows sprites, photographs and wordings training never saw.
        difficulty: ``distractors`` or ``standard``.
        prompts: what the tracker gets: ``box+text``, ``text`` (no box), or both in turn.
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
    chosen = options or TrackerOptions()
    chosen.allow_nothing = True
    ways: list[PromptKind] = prompts or ["text", "box+text"]
    tracker = presets.make_tracker(weights, chosen, device, runtime, precision, classes, videos)
    with presets.progress(len(ways) * count * len(CONDITIONS)) as advance:
        found = [ablate(tracker, videos, way, after=advance) for way in ways]
    sys.stdout.write(format_ablations(found, f"Scenes {split}, {difficulty}, {count} videos"))
    presets.write_record(out, [as_record(one) for one in found])


def format_ablations(found: list[Ablation], data: str) -> str:
    """Return a table of AUCs and lifts."""
    lines = [
        f"Success AUC on {data} (synthetic video)",
        f"convention {PLAIN}",
        "",
        f"{'prompt':<10}{'sentence':<10}{'videos':>7}{'AUC':>8}{'lift of the right one':>24}",
    ]
    for one in found:
        lines += [_row(one, condition) for condition in CONDITIONS]
    return "\n".join(
        [*lines, "", "+- is the standard error over videos; lifts are over the same videos", ""]
    )


def _row(one: Ablation, condition: str) -> str:
    count = len(one.runs[condition])
    start = f"{one.prompt:<10}{condition:<10}{count:>7}"
    if not count:
        return start
    lift = "" if condition == "right" else "{:+.3f} +- {:.3f}".format(*one.lift(condition))
    return f"{start}{one.auc(condition):>8.3f}{lift:>24}".rstrip()


def as_record(one: Ablation) -> dict[str, object]:
    """Return an ablation for JSON."""
    return {
        "prompt": one.prompt,
        "convention": PLAIN,
        "auc": {condition: one.auc(condition) for condition in CONDITIONS},
        "per_video": {
            condition: {run.name: run.auc for run in runs} for condition, runs in one.runs.items()
        },
    }
