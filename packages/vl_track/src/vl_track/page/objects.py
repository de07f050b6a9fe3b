"""What a visitor draws and types: objects with prompts by frame, and what was found for them."""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from holdfast.serving.errors import PageError
from vl_track.data.geometry import Box, as_box
from vl_track.page.clip import Clip
from vl_track.video.frames import Frame

TEXT_LENGTH = 300
NAME_LENGTH = 40
MOST_PROMPTS = 100
LEAST_SIDE = 2.0
"""Pixels of a drawn box."""
FARTHEST = 1e6
"""Larger numbers are no pixels."""


@dataclass
class Drawn:
    """What a visitor said about an object on one frame.

    Attributes:
        box: drawn there; for ``stay`` the tracked box there, once it is known.
        text: the sentence from this frame on; may be empty.
        stay: the object stays where it was tracked, and only the sentence changes.
    """

    box: Box | None
    text: str
    stay: bool = False

    def same(self, other: "Drawn | None") -> bool:
        """Tell whether a tracker would be told the same."""
        if other is None or (self.text, self.stay) != (other.text, other.stay):
            return False
        return self.stay or self.box == other.box


@dataclass(frozen=True)
class Found:
    """Where an object was found in one frame.

    Attributes:
        box: x, y, width, height in pixels.
        score: of the tracker, in (0, 1]; 1 where the box was drawn, 0 where the frame is damaged.
        present: calibrated probability that it is there; ``None`` where the model has none.
    """

    box: Box
    score: float
    present: float | None = None

    def row(self) -> list[float | None]:
        """Return x, y, width, height, score and presence for the page."""
        present = None if self.present is None else round(self.present, 4)
        return [*(round(one, 2) for one in self.box), round(self.score, 4), present]


class Follower(Protocol):
    """A tracker on its way through the frames of a clip."""

    @property
    def next(self) -> int:
        """Return the number of the frame that it is to be given next."""

    def go(self, frame: Frame) -> Found:
        """Track the object in that frame."""


@dataclass
class Tracked:
    """One object of a clip.

    Attributes:
        id: the page's.
        name: shown beside its box.
        drawn: by frame number.
        found: by frame number; those from ``fresh`` on belong to earlier prompts.
        fresh: number of the first frame whose result is missing or old.
        paused: the tracker of a run that was stopped, which goes on as if it had not been;
            ``None`` after a change of the prompts.
    """

    id: int
    name: str
    drawn: dict[int, Drawn]
    found: dict[int, Found] = field(default_factory=dict)
    fresh: int = 0
    paused: Follower | None = None

    @property
    def start(self) -> int:
        """Number of the first frame with a prompt."""
        return min(self.drawn)

    def text_at(self, number: int) -> str:
        """Return the sentence in force on a frame."""
        frames = sorted(self.drawn)
        place = bisect_right(frames, number)
        return self.drawn[frames[place - 1]].text if place else ""

    def change(self, drawn: dict[int, Drawn]) -> None:
        """Take new prompts; results before the first that differs stay valid."""
        frames = set(drawn) | set(self.drawn)
        changed = [n for n in frames if not _same(drawn.get(n), self.drawn.get(n))]
        for number, one in drawn.items():
            if one.stay and number in self.found and number < self.fresh:
                one.box = self.found[number].box
            elif one.stay and number in self.drawn:
                one.box = self.drawn[number].box
        self.drawn = drawn
        if changed:
            self.paused = None
            self.fresh = min(self.fresh, *changed)
        if not drawn or self.start >= self.fresh:
            self.fresh = min(drawn, default=0)
        self.found = {n: one for n, one in self.found.items() if drawn and n >= self.start}

    def restart(self) -> int:
        """Return the number of the prompt that tracking goes on from."""
        usable = [n for n, one in self.drawn.items() if n <= self.fresh and
                  not (one.stay and one.box is None)]  # fmt: skip
        return max(usable, default=self.start)


def _same(one: Drawn | None, other: Drawn | None) -> bool:
    return one is not None and one.same(other)


def update_objects(
    before: Mapping[int, Tracked],
    given: object,
    clip: Clip,
    most: int,
) -> dict[int, Tracked]:
    """Return the objects that a page describes; those known before keep what was found.

    Args:
        before: by id.
        given: from the page: a list of ``{id, name, prompts: [{frame, box, text, stay}]}``.
        clip: that boxes and frames must lie in.
        most: objects.

    Raises:
        PageError: something else.
    """
    if not isinstance(given, list):
        raise PageError(400, "A list of objects is missing.")
    if len(given) > most:
        raise PageError(400, f"Up to {most} objects are tracked at once: remove one.")
    read = [read_object(one, clip) for one in given]
    if len({one.id for one in read}) < len(read):
        raise PageError(400, "Two objects have one number.")
    after: dict[int, Tracked] = {}
    for one in read:
        known = before.get(one.id)
        if known is None:
            one.fresh = min(one.drawn, default=0)
            after[one.id] = one
        else:
            known.name = one.name
            known.change(one.drawn)
            after[one.id] = known
    return after


def read_object(given: object, clip: Clip) -> Tracked:
    """Return one object as a page describes it.

    Raises:
        PageError: it is none.
    """
    if not isinstance(given, dict) or not isinstance(given.get("prompts"), list):
        raise PageError(400, "An object needs a number, a name and prompts.")
    number = _whole(given.get("id"), 1_000_000)
    prompts = given["prompts"]
    if len(prompts) > MOST_PROMPTS:
        raise PageError(400, f"An object has up to {MOST_PROMPTS} boxes and sentences.")
    drawn: dict[int, Drawn] = {}
    for one in prompts:
        if not isinstance(one, dict):
            raise PageError(400, "A prompt needs a frame, and a box or a sentence.")
        frame = _whole(one.get("frame"), max(clip.count, 1) - 1)
        drawn[frame] = _read_drawn(one, clip)
    drawn = {n: one for n, one in drawn.items() if one.box or one.stay or one.text}
    if drawn and drawn[min(drawn)].stay:
        drawn[min(drawn)].stay = False
    name = _text(given.get("name"), NAME_LENGTH) or f"Object {number}"
    return Tracked(id=number, name=name, drawn=drawn)


def remarks_on(one: Tracked, remarks: Callable[[str], list[str]]) -> list[str]:
    """Return what should be said about an object's sentences, each once."""
    texts = dict.fromkeys(drawn.text for _, drawn in sorted(one.drawn.items()) if drawn.text)
    return [said for text in texts for said in remarks(text)]


def _read_drawn(given: Mapping[str, Any], clip: Clip) -> Drawn:
    text = _text(given.get("text"), TEXT_LENGTH)
    stay = given.get("stay") is True
    box = given.get("box")
    if stay or box is None:
        return Drawn(None, text, stay)
    if not isinstance(box, list) or len(box) != 4:
        raise PageError(400, "A box has four numbers: x, y, width, height.")
    if any(not _is_number(value) for value in box):
        raise PageError(400, "A box has four numbers: x, y, width, height.")
    return Drawn(cut_box(as_box(box), clip), text)


def cut_box(box: Box, clip: Clip) -> Box:
    """Cut a drawn box to the frame.

    Raises:
        PageError: too little of it lies within.
    """
    x, y, width, height = box
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + width, float(clip.width)), min(y + height, float(clip.height))
    if right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
        raise PageError(400, "The box is smaller than two pixels, or outside: draw a larger one.")
    return left, top, right - left, bottom - top


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < FARTHEST and math.isfinite(value)


def _whole(value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise PageError(400, f"A number of a frame or an object must be from 0 to {most}.")
    return value


def _text(value: object, most: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise PageError(400, f"A text may have up to {most} characters.")
    return " ".join(value.split())
