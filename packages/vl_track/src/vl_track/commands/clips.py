"""``vl-track clips``: our tracker and OpenCV's on hand-annotated real clips."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError
from vl_track.commands import presets
from vl_track.data.prompts import PromptKind
from vl_track.data.sets.base import Split, VideoSet
from vl_track.data.sets.clips import ClipVideo
from vl_track.data.video import Video
from vl_track.runtimes import Precision, Runtime
from vl_track.scoring.measures import overlap_plain
from vl_track.scoring.opencv import OpenCVTracker, available
from vl_track.scoring.runs import run_video
from vl_track.scoring.sets import open_set
from vl_track.tracking.loop import ObjectTracker
from vl_track.tracking.options import TrackerOptions

CONVENTION = "plain: no +1, hand-annotated frames only, first left out, 21 thresholds, overlap > t"
PACKAGED = "real_clips"
HELD = 0.2
"""A tracker holds an object to the end if the last annotated frame's overlap is above this."""


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """One tracker on one clip.

    Attributes:
        auc: success AUC.
        first_overlap: IoU of the first frame's box; what the sentence alone has found.
        least_overlap: of the later annotated frames.
        held: whether it overlaps the object in the last annotated frame.
        frames_per_second: without decoding.
    """

    auc: float
    first_overlap: float
    least_overlap: float
    held: bool
    frames_per_second: float


def clips(
    annotations: str,
    *,
    split: Split = "val",
    weights: str | None = None,
    root: str | None = None,
    nano: str | None = None,
    vit: str | None = None,
    out: str | None = None,
    overwrite: bool = False,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    options: TrackerOptions | None = None,
) -> None:
    """Score our tracker, with three kinds of prompt, beside OpenCV's CSRT, KCF and MIL.

    Also beside OpenCV's NanoTrack and ViT trackers where their ONNX files are given.

    Ours gets the box alone, box and sentence, box and another's sentence, and the sentence alone
    where it knows a word of it. Another's is that of an object in another video; of another object
    in the same video where there is no other.

    Args:
        annotations: ``real_clips`` for those of this package, or a folder of ``index.csv`` and a
            file of boxes for each clip.
        split: of ``real_clips``: ``val``, to choose by, or ``test``, to report.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        root: data root; Debian's clips are fetched below it.
        nano: files of OpenCV's TrackerNano: ``backbone.onnx,neckhead.onnx``.
        vit: file of OpenCV's TrackerVit.
        out: JSON to write.
        overwrite: replace it if it exists.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of our tracker.
    """
    presets.check_record(out, weights, annotations, overwrite=overwrite)
    rivals = _rivals(nano, vit)
    found = list(open_annotated(annotations, split, root))
    tracker = presets.make_tracker(weights, options, device, runtime, precision, classes, found)
    table: dict[str, dict[str, ClipScore]] = {}
    told = sentences([clip.sentence for clip in found], [_video_of(clip) for clip in found])
    for clip, prompts in zip(found, told, strict=True):
        ours = {how: score_clip(tracker, clip, sentence) for how, sentence in prompts.items()}
        if tracker.network.text.knows(clip.sentence):
            ours["ours: sentence"] = score_clip(tracker, clip, clip.sentence, prompt="text")
        theirs = {f"OpenCV {one.name}": score_clip(one, clip) for one in rivals}
        table[clip.name] = ours | theirs
    sys.stdout.write(format_table(table))
    rows = {clip: {who: vars(one) for who, one in row.items()} for clip, row in table.items()}
    presets.write_record(out, {"convention": CONVENTION, "clips": rows})


def open_annotated(annotations: str, split: Split, root: str | None) -> VideoSet:
    """Open the clips of this package by their name, or those of a folder.

    Raises:
        ConfigError: it is neither.
    """
    if annotations == PACKAGED:
        return open_set(PACKAGED, split, root=root)
    if not Path(annotations).is_dir():
        near = hint(nearest_key(annotations, [PACKAGED]))
        raise ConfigError(
            f"There is no folder {annotations}.{near} Give {PACKAGED}, or a folder with index.csv "
            "and a file of boxes for each clip."
        )
    return open_set("clips", "test", folder=annotations, videos=root)


def _rivals(nano: str | None, vit: str | None) -> list[OpenCVTracker]:
    """Return OpenCV's trackers; each starts anew on every clip."""
    found = [OpenCVTracker(who) for who in available()]
    if nano is not None:
        found.append(OpenCVTracker("Nano", nano.split(",")))
    if vit is not None:
        found.append(OpenCVTracker("Vit", [vit]))
    return found


def sentences(right: Sequence[str], videos: Sequence[str]) -> list[dict[str, str]]:
    """Return the sentences our tracker gets with each object, by the name of the row.

    Args:
        right: the objects' own sentences.
        videos: which video each is in. Another's sentence is the next one of another video, or of
            this one where there is no other; without a different sentence there is no such row.
    """
    prompts = []
    for number, (own, video) in enumerate(zip(right, videos, strict=True)):
        others = [*range(number + 1, len(right)), *range(number)]
        wrong = [one for one in others if right[one] not in {"", own}]
        wrong.sort(key=lambda one: videos[one] == video)  # stable: the next one first
        prompts.append({"ours: box": "", "ours: box, sentence": own})
        if wrong:
            prompts[-1]["ours: box, another's"] = right[wrong[0]]
    return prompts


def _video_of(clip: Video) -> str:
    return str(clip.clip.path) if isinstance(clip, ClipVideo) else clip.name


def score_clip(
    tracker: ObjectTracker, clip: Video, sentence: str = "", prompt: PromptKind = "box+text"
) -> ClipScore:
    """Track a clip from its first annotated frame and compare where there is an annotation."""
    run = run_video(tracker, clip, prompt=prompt, sentence=sentence)
    later = [time for time in range(1, len(clip)) if clip.visible(time)]
    overlap = overlap_plain(run.boxes[later], [clip.box(time) for time in later])
    return ClipScore(
        auc=run.auc,
        first_overlap=float(overlap_plain(run.boxes[:1], [clip.box(0)])[0]),
        least_overlap=float(np.min(overlap)),
        held=bool(overlap[-1] > HELD),
        frames_per_second=len(run.boxes) / run.seconds,
    )


def format_table(table: Mapping[str, Mapping[str, ClipScore]]) -> str:
    """Return AUC, least overlap and speed of every tracker on every clip."""
    lines = [f"Success AUC on real clips; convention {CONVENTION}", ""]
    lines.append(
        f"{'clip':<16}{'tracker':<22}{'AUC':>7}{'first IoU':>11}"
        f"{'least IoU':>11}{'held':>6}{'FPS':>8}"
    )
    for clip, row in table.items():
        for who, one in row.items():
            held = "yes" if one.held else "no"
            lines.append(
                f"{clip:<16}{who:<22}{one.auc:>7.3f}{one.first_overlap:>11.2f}"
                f"{one.least_overlap:>11.2f}{held:>6}{one.frames_per_second:>8.1f}"
            )
    return "\n".join([*lines, ""])
