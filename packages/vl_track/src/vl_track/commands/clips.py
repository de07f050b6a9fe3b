"""``vl-track clips``: our tracker and OpenCV's on hand-annotated real clips."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError
from vl_track.commands import presets
from vl_track.data.prompts import PromptKind
from vl_track.data.sets.base import Split, VideoSet
from vl_track.data.sets.clips import ClipVideo
from vl_track.data.video import Video
from vl_track.digests import digest_of as file_digest
from vl_track.runtimes import Precision, Runtime
from vl_track.scoring.clip_record import (
    BOTH,
    BOX,
    OPENCV,
    SENTENCE,
    ClipRecord,
    ClipScore,
    Table,
    digest_of_run,
    summary,
)
from vl_track.scoring.measures import overlap_plain
from vl_track.scoring.opencv import NetworkName, OpenCVTracker, available
from vl_track.scoring.runs import run_video
from vl_track.scoring.sets import open_set
from vl_track.tracking.loop import ObjectTracker
from vl_track.tracking.options import TrackerOptions

if TYPE_CHECKING:
    from vl_track.tracking.tracker import Tracker

CONVENTION = "plain: no +1, hand-annotated frames only, first left out, 21 thresholds, overlap > t"
PACKAGED = "real_clips"
HELD = 0.2
"""A tracker holds an object to the end if the last annotated frame's overlap is above this."""


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
    resume: bool = False,
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
        out: JSON to write, after every run.
        overwrite: replace it if it exists.
        resume: go on with ``out``. A figure in it is kept if it was made by the same model, options
            and runtime, or the same OpenCV, on the same annotations and video.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of our tracker.
    """
    if resume and out is None:
        raise ConfigError("--resume goes on with a file: name it with --out.")
    networks = _networks(nano, vit)
    read = [annotations, *(file for files in networks.values() for file in files)]
    presets.check_record(out, weights, *read, overwrite=overwrite or resume)
    record = ClipRecord(out, CONVENTION, resume=resume)
    rivals = _rivals(networks)
    found = list(open_annotated(annotations, split, root))
    tracker = presets.make_tracker(weights, options, device, runtime, precision, classes, found)
    maker = json.dumps(presets.maker_of(tracker, weights, classes))
    told = sentences([clip.sentence for clip in found], [_video_of(clip) for clip in found])
    for clip, prompts in zip(found, told, strict=True):
        for run in (*_ours(tracker, clip, prompts, maker), *rivals):
            made = digest_of_run(clip, run.maker, run.sentence, run.prompt)
            if not record.take_up(clip.name, run.who, made):
                score = score_clip(run.tracker(), clip, run.sentence, run.prompt)
                record.add(clip.name, run.who, made, score)
    record.finish()
    sys.stdout.write(format_table(record.table) + "\n" + summary(record.table))


class _Run(NamedTuple):
    """One tracker, what it is told, and what its figures depend on."""

    who: str
    tracker: Callable[[], ObjectTracker]
    maker: str
    sentence: str = ""
    prompt: PromptKind = "box+text"


def _ours(tracker: "Tracker", clip: Video, prompts: dict[str, str], maker: str) -> Iterator[_Run]:
    for who, sentence in prompts.items():
        yield _Run(who, lambda: tracker, maker, sentence)
    if tracker.network.text.knows(clip.sentence):
        yield _Run(SENTENCE, lambda: tracker, maker, clip.sentence, "text")


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


def _networks(nano: str | None, vit: str | None) -> dict[NetworkName, list[str]]:
    """Return the files of each of OpenCV's trackers that has a network."""
    found: dict[NetworkName, list[str]] = {}
    if nano is not None:
        found["Nano"] = [str(Path(file).expanduser()) for file in nano.split(",")]
    if vit is not None:
        found["Vit"] = [str(Path(vit).expanduser())]
    return found


def _rivals(networks: Mapping[NetworkName, list[str]]) -> list[_Run]:
    """Return OpenCV's trackers; each starts anew on every clip."""
    version = f"OpenCV {cv2.__version__}"
    found = [_Run(OPENCV + who, partial(OpenCVTracker, who), version) for who in available()]
    for who, files in networks.items():
        OpenCVTracker(who, files)  # wrong files are refused before any work
        digests = [file_digest(Path(file)) for file in files]
        make = partial(OpenCVTracker, who, files)
        found.append(_Run(OPENCV + who, make, json.dumps([version, *digests])))
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
        prompts.append({BOX: "", BOTH: own})
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


def format_table(table: Table) -> str:
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
