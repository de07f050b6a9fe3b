"""Other words for what the grammar says, so that a text encoder learns meanings and not words."""

import re

import numpy as np

SYNONYMS: dict[str, tuple[str, ...]] = {
    "large": ("big", "huge", "larger", "biggest"),
    "small": ("little", "tiny", "smaller", "smallest"),
    "on the left": ("at the left", "to the left", "on the left side", "leftmost"),
    "on the right": ("at the right", "to the right", "on the right side", "rightmost"),
    "at the top": ("on top", "at the upper edge", "in the upper part"),
    "at the bottom": ("at the lower edge", "in the lower part", "lowest"),
    "left of": ("to the left of", "on the left of"),
    "right of": ("to the right of", "on the right of"),
    "above": ("over", "on top of"),
    "below": ("under", "beneath"),
    "moving": ("going", "travelling", "walking"),
    "standing still": ("not moving", "resting"),
    "spinning": ("rotating", "turning"),
    "red": ("crimson", "scarlet", "red-coloured"),
    "purple": ("violet", "lilac"),
    "blue": ("navy", "blue-coloured"),
    "brown": ("chestnut", "tan"),
    "pink": ("rose", "pinkish"),
    "black": ("dark", "black-coloured"),
    "white": ("pale", "white-coloured"),
    "striped": ("with stripes", "stripy"),
    "dotted": ("spotted", "with dots"),
    "checked": ("chequered", "checkered"),
    "person": ("human", "figure", "man", "someone"),
    "animal": ("creature", "beast"),
    "vehicle": ("car", "automobile", "transport"),
    "dog": ("puppy", "hound"),
    "cat": ("kitten", "kitty"),
    "bird": ("birdie",),
    "boat": ("ship", "vessel"),
    "plane": ("airplane", "aeroplane", "aircraft"),
    "drink": ("beverage",),
    "meal": ("food", "dish"),
    "building": ("house",),
    "circle": ("disc", "round thing"),
    "square": ("box",),
    "patch": ("piece", "scrap"),
    "clothing": ("garment",),
    "tool": ("implement",),
    "plant": ("flower",),
    "flower": ("blossom",),
    "face": ("head",),
}
CHANCE = 0.5
"""Of each word that has other words."""
_FOUND = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, SYNONYMS), key=len, reverse=True)) + r")\b"
)


def reword(sentence: str, generator: np.random.Generator) -> str:
    """Return the sentence with about half of its words that have synonyms replaced."""

    def other(match: re.Match[str]) -> str:
        words = SYNONYMS[match.group()]
        chosen = words[int(generator.integers(len(words)))]
        return chosen if generator.uniform() < CHANCE else match.group()

    return _FOUND.sub(other, sentence)
