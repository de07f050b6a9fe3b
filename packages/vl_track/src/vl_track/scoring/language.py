"""Does the sentence matter? One tracker, with the right sentence, none, and wrong ones."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vl_track.data.prompts import PromptKind
from vl_track.data.video import Video
from vl_track.scoring.foreign import TrackerFailedError
from vl_track.scoring.runs import SequenceResult, run_video
from vl_track.tracking.loop import ObjectTracker

CONDITIONS = ("right", "none", "shuffled", "swapped")
"""The last one is the right sentence with its words of place and size turned round."""
_PAIRS = (
    ("left", "right"), ("leftmost", "rightmost"), ("above", "below"), ("top", "bottom"),
    ("upper", "lower"), ("front", "back"), ("large", "small"), ("larger", "smaller"),
    ("largest", "smallest"), ("big", "little"), ("bigger", "tinier"), ("tall", "short"),
)  # fmt: skip
SWAPPED = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
_WORD = re.compile(r"\b(" + "|".join(SWAPPED) + r")\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A video on which a tracker that is not ours broke off.

    Attributes:
        name: of the video.
        condition: under which it was being tracked.
        reason: a sentence.
    """

    name: str
    condition: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Runs under each condition, in the same order of videos.

    The condition ``swapped`` has only the videos whose sentence has a word to turn round.

    Attributes:
        prompt: what the tracker gets: box and sentence, or the sentence alone.
        runs: by condition.
        failed: videos left out of every condition, so that all have the same ones.
    """

    prompt: PromptKind
    runs: dict[str, list[SequenceResult]]
    failed: list[Failure] = field(default_factory=list)

    def pairs(self, over: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the AUCs with the right sentence and under a condition, on the same videos."""
        right = {run.name: run.auc for run in self.runs["right"]}
        others = self.runs[over]
        return (
            np.array([right[run.name] for run in others], np.float64),
            np.array([run.auc for run in others], np.float64),
        )


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


def swapped_sentence(sentence: str) -> str | None:
    """Turn words of place and size round: left and right, large and small.

    Returns:
        The sentence that is false now; ``None`` where it has no such word.
    """
    found, count = _WORD.subn(lambda match: SWAPPED[match.group().lower()], sentence)
    return found if count else None


class Keeps(Protocol):
    """Keeps runs in a file, and gives those that are in it already."""

    def take_up(
        self, video: Video, prompt: PromptKind, condition: str, sentence: str
    ) -> SequenceResult | None:
        """Return a run that was kept; ``None`` if there is none."""

    def add(
        self, video: Video, prompt: PromptKind, condition: str, sentence: str, run: SequenceResult
    ) -> None:
        """Keep a run."""


def ablate(
    tracker: ObjectTracker,
    videos: Sequence[Video],
    prompt: PromptKind,
    *,
    keeper: Keeps | None = None,
    after: Callable[[], None] = lambda: None,
) -> Ablation:
    """Track every video under each condition.

    Without a box and without a sentence nothing names the object; the tracker then searches with
    no template and no words, and follows what looks most like an object to it.

    A video on which the tracker breaks off is left out of every condition, and the others go on.

    Args:
        tracker: started anew on every video.
        videos: with sentences.
        prompt: ``box+text`` or ``text``.
        keeper: keeps every run as soon as it is done; a video that fails is tried again.
        after: called after every video and condition, for a progress bar.
    """
    shuffled = shuffled_sentences(videos)
    runs: dict[str, list[SequenceResult]] = {condition: [] for condition in CONDITIONS}
    failed: list[Failure] = []
    for video, wrong in zip(videos, shuffled, strict=True):
        sentences = {"right": video.sentence, "none": "", "shuffled": wrong,
                     "swapped": swapped_sentence(video.sentence)}  # fmt: skip
        done: dict[str, SequenceResult] = {}
        fault = None
        for condition in CONDITIONS:
            sentence = sentences[condition]
            if sentence is not None and fault is None:
                try:
                    done[condition] = _run(tracker, video, prompt, condition, sentence, keeper)
                except TrackerFailedError as error:
                    fault = Failure(name=video.name, condition=condition, reason=str(error))
            after()
        if fault is not None:
            failed.append(fault)
            continue
        for condition, run in done.items():
            runs[condition].append(run)
    return Ablation(prompt=prompt, runs=runs, failed=failed)


def _run(
    tracker: ObjectTracker,
    video: Video,
    prompt: PromptKind,
    condition: str,
    sentence: str,
    keeper: Keeps | None,
) -> SequenceResult:
    """Take a run up, or track the video and keep the run."""
    if keeper is None:
        return run_video(tracker, video, prompt=prompt, sentence=sentence)
    found = keeper.take_up(video, prompt, condition, sentence)
    if found is None:
        found = run_video(tracker, video, prompt=prompt, sentence=sentence)
        keeper.add(video, prompt, condition, sentence, found)
    return found
