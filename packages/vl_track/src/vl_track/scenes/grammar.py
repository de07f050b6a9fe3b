"""Sentences that tell one object of a scene apart from the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

Split = Literal["train", "val", "test"]
# Validation and test sentences are worded in ways training never shows.
TEMPLATES: dict[Split, tuple[str, ...]] = {
    "train": ("{}", "the {}", "a {}", "follow the {}", "track the {}", "this is the {}"),
    "val": ("please find the {}", "that {}", "look for the {} here"),
    "test": ("keep your eyes on the {}", "that {} over there", "watch the {} please"),
}
MARGIN = 0.08
"""How much further to one side an object must be to be called left, right, top or bottom one."""
SIZE_RATIO = 1.45
REACH = 0.45
"""How far apart, as a fraction of the frame, things may be for one to be left of the other."""
POSITIONS = {
    "left": ("on the left", 0, -1),
    "right": ("on the right", 0, 1),
    "top": ("at the top", 1, -1),
    "bottom": ("at the bottom", 1, 1),
}


# People name looks before places. A place or a relation is said where looks do not do, and motion,
# which no single frame shows, where nothing else does.
EAGERNESS = {
    "colour": 0.0,
    "texture": 0.5,
    "size": 0.6,
    "position": 0.9,
    "relation": 1.3,
    "motion": 3.0,
}
EXTRA = 0.3
"""Chance of each fact that is said though it is not needed."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """What can be said about an object in the first frame of a scene.

    Attributes:
        class_name: its noun.
        colour: colour word, or ``None`` if its own colours have no name.
        texture: ``plain`` or a pattern.
        side: size in pixels.
        centre: x, y as fractions of the frame.
        motion: words such as ``moving left``, or empty.
    """

    class_name: str
    colour: str | None
    texture: str
    side: float
    centre: tuple[float, float]
    motion: str


Test = Callable[[Described], bool]


@dataclass(frozen=True)
class Fact:
    """A word or words about the target, and which other objects they are true of as well."""

    slot: str
    words: str
    fits: Test


def sentence(
    target: Described, others: Sequence[Described], split: Split, generator: np.random.Generator
) -> str | None:
    """Say which object is meant.

    Facts are added, eager ones first, until none of the others fits; at times more is said than
    needed.

    Args:
        target: the object meant.
        others: every other object of the scene.
        split: chooses the wording.
        generator: of random numbers.

    Returns:
        The sentence, or ``None`` where no true sentence of this grammar tells the target apart.
    """
    facts = facts_about(target, others)
    urge = [EAGERNESS[fact.slot] + generator.uniform() for fact in facts]
    order = [facts[i] for i in np.argsort(urge)]
    noun = Fact("kind", target.class_name, lambda other: other.class_name == target.class_name)
    said, rivals = [noun], [other for other in others if noun.fits(other)]
    for fact in order:
        fewer = [other for other in rivals if fact.fits(other)]
        needed = len(fewer) < len(rivals)
        extra = not rivals and generator.uniform() < EXTRA
        if (needed or extra) and fact.slot not in {f.slot for f in said}:
            said.append(fact)
            rivals = fewer
    return None if rivals else _phrase(said, split, generator)


def facts_about(target: Described, others: Sequence[Described]) -> list[Fact]:
    """Return every true fact about the target beside its class."""
    facts = []
    if target.colour is not None:
        facts.append(Fact("colour", target.colour, lambda other: other.colour == target.colour))
    if target.texture != "plain":
        facts.append(Fact("texture", target.texture, lambda other: other.texture == target.texture))
    if target.motion:
        facts.append(Fact("motion", target.motion, lambda other: other.motion == target.motion))
    same = [other for other in others if other.class_name == target.class_name]
    return facts + (_comparisons(target, same) + _relations(target, others) if same else [])


def _comparisons(target: Described, same: Sequence[Described]) -> list[Fact]:
    """Return facts that hold against every other object of the class."""
    facts = []
    for words, axis, sign in POSITIONS.values():
        mine = sign * target.centre[axis]
        if all(mine > sign * other.centre[axis] + MARGIN for other in same):
            facts.append(Fact("position", words, _none))
    if all(target.side > SIZE_RATIO * other.side for other in same):
        facts.append(Fact("size", "large", _none))
    if all(target.side * SIZE_RATIO < other.side for other in same):
        facts.append(Fact("size", "small", _none))
    return facts


def _relations(target: Described, others: Sequence[Described]) -> list[Fact]:
    """Return where the target is, seen from things that are the only ones of their class."""
    facts = []
    for other in others:
        alone = (
            sum(o.class_name == other.class_name for o in others) == 1
            and other.class_name != target.class_name
        )
        relation = relation_words(target, other)
        if alone and relation:
            facts.append(
                Fact(
                    "relation",
                    f"{relation} the {other.class_name}",
                    partial(_has_relation, landmark=other, words=relation),
                )
            )
    return facts


def relation_words(one: Described, other: Described) -> str:
    """Return ``left of``, ``right of``, ``above`` or ``below``; empty if far away or diagonal."""
    x, y = one.centre[0] - other.centre[0], one.centre[1] - other.centre[1]
    if max(abs(x), abs(y)) > REACH or min(abs(x), abs(y)) * 1.5 > max(abs(x), abs(y)):
        return ""
    if abs(x) > abs(y):
        return "left of" if x < 0 else "right of"
    return "above" if y < 0 else "below"


def _has_relation(one: Described, landmark: Described, words: str) -> bool:
    return one is not landmark and relation_words(one, landmark) == words


def _none(other: Described) -> bool:
    return False


def _phrase(said: Sequence[Fact], split: Split, generator: np.random.Generator) -> str:
    words = {fact.slot: fact.words for fact in said}
    slots = ("size", "colour", "texture", "kind", "position", "relation", "motion")
    noun_phrase = " ".join(words[slot] for slot in slots if slot in words)
    templates = TEMPLATES[split]
    return templates[int(generator.integers(len(templates)))].format(noun_phrase)


def grammar_words() -> tuple[str, ...]:
    """Return every content word of the grammar except nouns, for a vocabulary."""
    from vl_track.scenes.appearance import COLOURS, TEXTURES  # noqa: PLC0415

    motion = ("moving", "standing", "still", "spinning", "left", "right", "up", "down")
    return (*COLOURS, *TEXTURES[1:], "large", "small", "above", "below", *POSITIONS, *motion)
