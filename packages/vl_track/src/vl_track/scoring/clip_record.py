"""Figures of ``vl-track clips``: what each depends on, and their sum."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from vl_track.data.sets.clips import ClipVideo
from vl_track.data.video import Video
from vl_track.scenes.identity import digest_of_scene
from vl_track.scenes.scene import Scene
from vl_track.scoring.opencv import FILES
from vl_track.scoring.score_record import ScoreRecord

OURS, OPENCV = "ours: ", "OpenCV "
BOX, BOTH, SENTENCE = "ours: box", "ours: box, sentence", "ours: sentence"
FOUND = 0.5
"""A sentence alone has found its object if the first box's IoU is above this."""


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


Table = Mapping[str, Mapping[str, ClipScore]]
"""Scores by clip and by tracker."""


class ClipRecord(ScoreRecord[ClipScore]):
    """Scores of clips, written after each one; see :class:`ScoreRecord`."""

    kind, command, rows_name = ClipScore, "clips", "clips"


def digest_of_run(video: Video, maker: str, sentence: str, prompt: str) -> str:
    """Return a digest of what a score depends on.

    Args:
        video: what it is drawn from, of a scene; else its name, length, boxes and flags, and of a
            clip the bytes of its file, so that a score of a clip that was replaced by another is
            never taken up.
        maker: model, options and runtime, or the version of another tracker.
        sentence: what the tracker is told.
        prompt: which parts of the first frame it is told.
    """
    parts = json.dumps([maker, sentence, prompt, video.name, *_identity(video)])
    return sha256(parts.encode()).hexdigest()[:16]


def _identity(video: Video) -> tuple[object, ...]:
    """Return what tells a video from others of its name; a scene's truth is slow to compute."""
    if isinstance(video, Scene):
        return (digest_of_scene(video),)
    truth = [(video.visible(time), *video.box(time)) for time in range(len(video))]
    return truth, video.clip.content if isinstance(video, ClipVideo) else ""


def summary(table: Table) -> str:
    """Return how ours does beside OpenCV's trackers.

    Those without a network are taken together, the best one chosen for each object; those with one
    (NanoTrack, ViT), which were trained on real video, are named each by itself.
    """
    names = sorted({name for row in table.values() for name in row if name.startswith(OPENCV)})
    taught = [name for name in names if name.removeprefix(OPENCV) in FILES]
    plain = [name for name in names if name not in taught]
    rivals = {"the best of OpenCV's trackers without a network, chosen for each object": plain}
    rivals |= {name: [name] for name in taught}
    lines = [
        _beside(table, who, said, theirs) for who in (BOX, BOTH) for said, theirs in rivals.items()
    ]
    if all(BOX in row and BOTH in row for row in table.values()):
        gain = np.mean([row[BOTH].auc - row[BOX].auc for row in table.values()])
        lines.append(f"The sentence adds {gain:+.3f} to the mean of the box alone.")
    found = sum(SENTENCE in row and row[SENTENCE].first_overlap > FOUND for row in table.values())
    lines.append(
        f"The sentence alone finds {found} of {len(table)} objects (first box with IoU above "
        f"{FOUND:g}; one whose words are not known counts as not found)."
    )
    return "\n".join([line for line in lines if line] + [""])


def _beside(table: Table, who: str, said: str, rivals: Sequence[str]) -> str:
    """Return one line; none where not every object has ours and one of the rivals."""
    pairs = []
    for row in table.values():
        theirs = [row[name].auc for name in rivals if name in row]
        if who not in row or not theirs:
            return ""
        pairs.append((row[who].auc, max(theirs)))
    if not pairs:
        return ""
    ours, best = np.array(pairs).T
    ahead = int((ours > best).sum())
    place = "ahead" if ours.mean() >= best.mean() else "behind"
    return (
        f"{who}: mean {ours.mean():.3f}; {said}, {best.mean():.3f}: {place} by "
        f"{abs(ours.mean() - best.mean()):.3f} on the mean, ahead on {ahead} of {len(pairs)} "
        f"objects ({100 * ahead / len(pairs):.0f} %)."
    )
