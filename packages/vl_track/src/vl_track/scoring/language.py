"""Does the sentence matter? One model, with the right sentence, none, or another video's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vl_track.data.prompts import PromptKind
from vl_track.data.video import Video
from vl_track.scoring.runs import SequenceResult, run_video
from vl_track.tracking.loop import ObjectTracker

CONDITIONS = ("right", "none", "shuffled")


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Runs under the three conditions, in the same order of videos.

    Attributes:
        prompt: what the tracker gets: box and sentence, or the sentence alone.
        runs: by condition.
    """

    prompt: PromptKind
    runs: dict[str, list[SequenceResult]]

    def auc(self, condition: str) -> float:
        """Return the mean AUC of a condition."""
        return float(np.mean([run.auc for run in self.runs[condition]]))

    def lift(self, over: str) -> tuple[float, float]:
        """Return the gain in AUC of the right sentence, and its standard error over videos."""
        pairs = zip(self.runs["right"], self.runs[over], strict=True)
        gains = np.array([right.auc - other.auc for right, other in pairs])
        error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else float("nan")
        return float(gains.mean()), float(error)


def shuffled_sentences(videos: Sequence[Video]) -> list[str]:
    """Give every video the sentence of another one that says something else.

    Raises:
        ValueError: all videos have the same sentence.
    """
    sentences = [video.sentence for video in videos]
    count = len(sentences)
    if len(set(sentences)) < 2:
        raise ValueError("shuffling needs two different sentences")
    shuffled = []
    for index, own in enumerate(sentences):
        others = (sentences[(index + step) % count] for step in range(1, count))
        shuffled.append(next(other for other in others if other != own))
    return shuffled


def ablate(
    tracker: ObjectTracker,
    videos: Sequence[Video],
    prompt: PromptKind,
    *,
    after: Callable[[], None] = lambda: None,
) -> Ablation:
    """Track every video under the three conditions.

    Without a box and without a sentence nothing names the object; the tracker then searches with
    no template and no words, and follows what looks most like an object to it.

    Args:
        tracker: started anew on every video.
        videos: with sentences.
        prompt: ``box+text`` or ``text``.
        after: called after every video, for a progress bar.
    """
    shuffled = shuffled_sentences(videos)
    runs: dict[str, list[SequenceResult]] = {condition: [] for condition in CONDITIONS}
    for video, wrong in zip(videos, shuffled, strict=True):
        sentences = {"right": video.sentence, "none": "", "shuffled": wrong}
        for condition, sentence in sentences.items():
            runs[condition].append(run_video(tracker, video, prompt=prompt, sentence=sentence))
            after()
    return Ablation(prompt=prompt, runs=runs)
