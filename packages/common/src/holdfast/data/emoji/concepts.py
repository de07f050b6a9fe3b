"""The concepts of EmojiStyles: which code point belongs to which class."""

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One thing that every style draws.

    Attributes:
        code_point: hexadecimal, lower case.
        label: class name.
        name: Unicode's name.
    """

    code_point: str
    label: str
    name: str


@cache
def concepts() -> tuple[Concept, ...]:
    """Return all concepts, sorted by code point (table made by tools/make_emoji_concepts.py)."""
    text = files(__package__).joinpath("concepts.csv").read_text()
    return tuple(
        Concept(code_point=row["code_point"], label=row["class"], name=row["name"])
        for row in csv.DictReader(text.splitlines())
    )


def is_held_out(code_point: str, fraction: float) -> bool:
    """Decide whether a concept is held out of training, from its code point alone.

    Args:
        code_point: hexadecimal.
        fraction: share of concepts to hold out, in [0, 1].
    """
    digest = hashlib.sha256(f"emoji-styles {code_point}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < fraction * 2**32
