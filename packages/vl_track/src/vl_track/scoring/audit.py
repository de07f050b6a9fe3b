"""How much of a tracker's result is language: the right sentence against none and wrong ones."""

from dataclasses import dataclass

from vl_track.data.prompts import PromptKind
from vl_track.scoring.language import Ablation
from vl_track.scoring.uncertainty import Comparison, compare

WORDS = {
    "none": "no sentence",
    "shuffled": "another video's sentence",
    "swapped": "the sentence with its words of place and size turned round",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The right sentence against one other condition, paired over videos.

    Attributes:
        data: name of the videos.
        prompt: what the tracker was given.
        condition: ``none``, ``shuffled`` or ``swapped``.
        videos: how many.
        right: mean AUC with the right sentence on these videos.
        other: mean AUC under the condition.
        gain: right less other; ``None`` where there is no such video.
    """

    data: str
    prompt: PromptKind
    condition: str
    videos: int
    right: float
    other: float
    gain: Comparison | None

    @property
    def sure(self) -> bool:
        """Whether the interval of the gain lies above zero."""
        return self.gain is not None and self.gain.difference.low > 0


def findings(ablation: Ablation, data: str, *, samples: int = 10_000) -> list[Finding]:
    """Compare the right sentence with every other condition of an ablation."""
    found = []
    for condition in ablation.runs:
        if condition == "right":
            continue
        right, other = ablation.pairs(condition)
        found.append(
            Finding(
                data=data,
                prompt=ablation.prompt,
                condition=condition,
                videos=len(right),
                right=float(right.mean()) if len(right) else float("nan"),
                other=float(other.mean()) if len(other) else float("nan"),
                gain=compare(right, other, samples=samples) if len(right) else None,
            )
        )
    return found


def sentence_of(one: Finding) -> str:
    """Say in a sentence what a comparison shows."""
    who = f"{one.data}, {one.prompt}"
    if one.gain is None:
        return f"{who}: no sentence has a word of place or size to turn round."
    gap = one.gain.difference
    said = f"{gap.mean:+.3f} (95 % interval {gap.low:+.3f} to {gap.high:+.3f})"
    against = (
        f"the right sentence scores {one.right:.3f} and {WORDS[one.condition]} {one.other:.3f}"
    )
    if one.videos < 2:
        return f"{who}: {against} on one video, which says nothing about others."
    if one.sure:
        share = f", {100 * gap.mean / one.right:.0f} % of the result" if one.right > 0 else ""
        return f"{who}: {against}: {said}{share} over {one.videos} videos."
    if gap.high < 0:
        return f"{who}: {against}: the right sentence harms, {said} over {one.videos} videos."
    return f"{who}: {against}: no difference is shown, {said} over {one.videos} videos."


def verdict(found: list[Finding]) -> str:
    """Say how much of the result is language, in one sentence for the head of a page."""
    missing = [one for one in found if one.condition == "none" and one.gain is not None]
    if not missing:
        return "Nothing was compared."
    said = "; ".join(f"with {one.prompt} on {one.data}, {_due(one)}" for one in missing)
    return said[0].upper() + said[1:] + "."


def _due(one: Finding) -> str:
    assert one.gain is not None
    gap = one.gain.difference
    interval = f"(95 % interval {gap.low:+.3f} to {gap.high:+.3f})"
    if one.videos < 2:
        return f"one video with an AUC of {one.right:.3f} says nothing about others"
    if one.sure:
        share = f" ({100 * gap.mean / one.right:.0f} %)" if one.right > 0 else ""
        of = f"{gap.mean:+.3f}{share} of an AUC of {one.right:.3f}"
        return f"{of} is due to the sentence {interval}"
    if gap.high < 0:
        return f"the sentence harms: {gap.mean:+.3f} at an AUC of {one.right:.3f} {interval}"
    return (
        f"no effect of the sentence is shown: {gap.mean:+.3f} at an AUC of {one.right:.3f} "
        f"{interval}"
    )
