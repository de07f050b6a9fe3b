"""What tracking a video gave: a step for each frame and object, and why it ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from vl_track.tracking.steps import Prompt, Step


@dataclass
class TrackResult:
    """The steps of all objects of one video.

    Attributes:
        name: of the video.
        prompts: of the objects, in order; an object's id is its place, counted from 1.
        steps: for each frame the step of each object, without images.
        seconds: from the first frame to the last, with decoding and writing.
        ended_by: why tracking ended before the video did; empty if it did not.
    """

    name: str
    prompts: tuple[Prompt, ...]
    steps: list[tuple[Step, ...]] = field(default_factory=list)
    seconds: float = 0.0
    ended_by: str = ""

    def add(self, steps: tuple[Step, ...]) -> None:
        """Keep the steps of a frame, without the image."""
        self.steps.append(tuple(step.without_image() for step in steps))

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.steps)

    def of_object(self, index: int) -> list[Step]:
        """Return the steps of one object, counted from 0."""
        return [steps[index] for steps in self.steps]

    def rows(self) -> Iterator[tuple[int, Step]]:
        """Yield (object's id, step), frame by frame."""
        for steps in self.steps:
            yield from enumerate(steps, start=1)

    @property
    def rate(self) -> float:
        """Frames a second of the trackers alone."""
        return len(self.steps) / max(sum(step.seconds for _, step in self.rows()), 1e-9)

    @property
    def mean_score(self) -> float:
        """Mean score of all frames but the first; 1 where there is no other."""
        later = [step.score for steps in self.steps[1:] for step in steps]
        return sum(later) / len(later) if later else 1.0

    def losses(self, index: int) -> list[tuple[int, int | None]]:
        """Return when an object, counted from 0, was lost and when it was found again.

        Returns:
            Pairs of frame numbers, as in the source; ``None`` where it was not found again.
        """
        found: list[tuple[int, int | None]] = []
        before = False
        for step in self.of_object(index):
            if step.lost and not before:
                found.append((step.frame, None))
            elif before and not step.lost:
                found[-1] = (found[-1][0], step.frame)
            before = step.lost
        return found

    @property
    def damaged(self) -> int:
        """Number of frames that could not be decoded."""
        return sum(steps[0].damaged for steps in self.steps)
