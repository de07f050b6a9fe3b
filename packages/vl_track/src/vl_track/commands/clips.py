"""``vl-track clips``: our tracker and OpenCV's on hand-annotated real clips."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from holdfast.atomic import write_text
from holdfast.data.roots import data_root
from holdfast.errors import DataError
from vl_track.data.clips import AnnotatedClip, debian_clip, read_annotations
from vl_track.loading import best_device, load_network
from vl_track.scoring.opencv import OpenCVTracker, available
from vl_track.tracking.loop import ObjectTracker
from vl_track.tracking.tracker import Tracker, TrackerOptions

CLIPS = {
    "box": ("box.mp4", "the yellow box"),
    "cup": ("cup.mp4", "the black cup"),
    "pedestrian": ("vtest.avi", "the man in the red and blue jacket"),
}
CONVENTION = (
    "plain: no +1, hand-annotated frames only (every 15th), first left out, 21 thresholds, "
    "overlap > t"
)
HELD = 0.2
"""A tracker holds an object to the end if the last annotated frame's overlap is above this."""


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """One tracker on one clip."""

    auc: float
    least_overlap: float
    held: bool
    frames_per_second: float


def clips(
    annotations: str,
    *,
    weights: str | None = None,
    root: str | None = None,
    out: str | None = None,
    options: TrackerOptions | None = None,
) -> None:
    """Score our tracker, told in three ways, beside OpenCV's CSRT and MIL.

    Ours is told by the box alone, by box and sentence, and by box and another clip's sentence.

    Args:
        annotations: folder of ``box.csv``, ``cup.csv``, ``pedestrian.csv`` (tests/vl_track/data/
            clips in the repository).
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        root: data root; Debian's clips are fetched below it.
        out: JSON to write.
        options: of our tracker.
    """
    folder = Path(annotations)
    if not folder.is_dir():
        raise DataError(f"There is no folder of annotations at {folder}: check the path.")
    network = load_network(weights)
    tracker = Tracker(network, options, best_device())
    table: dict[str, dict[str, ClipScore]] = {}
    for (name, (file, _)), told in zip(CLIPS.items(), sentences(), strict=True):
        clip = AnnotatedClip(
            name=name,
            path=debian_clip(file, data_root(root)),
            boxes=read_annotations(folder / f"{name}.csv"),
        )
        ours = {how: score_clip(tracker, replace(clip, sentence=it)) for how, it in told.items()}
        theirs = {f"OpenCV {who}": score_clip(OpenCVTracker(who), clip) for who in available()}
        table[name] = ours | theirs
    sys.stdout.write(format_table(table))
    if out:
        record = {
            "convention": CONVENTION,
            "clips": {
                clip: {who: vars(one) for who, one in row.items()} for clip, row in table.items()
            },
        }
        write_text(out, json.dumps(record, indent=2) + "\n")


def sentences() -> list[dict[str, str]]:
    """Return how our tracker is told of each clip, by the name of the row."""
    right = [sentence for _, sentence in CLIPS.values()]
    return [
        {"ours: box": "", "ours: box, sentence": own, "ours: box, another's": another}
        for own, another in zip(right, [*right[1:], right[0]], strict=True)
    ]


def score_clip(tracker: ObjectTracker, clip: AnnotatedClip) -> ClipScore:
    """Track a clip from its first annotated frame and compare where there is an annotation."""
    found, seconds, count = {}, 0.0, 0
    for number, frame in clip.frames():
        begun = time.perf_counter()
        if count == 0:
            estimate = tracker.initialize(frame, clip.boxes[number], clip.sentence)
        else:
            estimate = tracker.track(frame)
        seconds += time.perf_counter() - begun
        count += 1
        if number in clip.boxes:
            found[number] = estimate.box
    later = sorted(found)[1:]
    overlap = overlaps([found[n] for n in later], [clip.boxes[n] for n in later])
    return ClipScore(
        auc=success_auc(overlap),
        least_overlap=float(np.min(overlap)),
        held=bool(overlap[-1] > HELD),
        frames_per_second=count / seconds,
    )


def format_table(table: Mapping[str, Mapping[str, ClipScore]]) -> str:
    """Return AUC, least overlap and speed of every tracker on every clip."""
    lines = [f"Success AUC on real clips; convention {CONVENTION}", ""]
    lines.append(f"{'clip':<12}{'tracker':<22}{'AUC':>7}{'least IoU':>11}{'held':>6}{'FPS':>8}")
    for clip, row in table.items():
        for who, one in row.items():
            held = "yes" if one.held else "no"
            lines.append(
                f"{clip:<12}{who:<22}{one.auc:>7.3f}{one.least_overlap:>11.2f}{held:>6}"
                f"{one.frames_per_second:>8.1f}"
            )
    return "\n".join([*lines, ""])
