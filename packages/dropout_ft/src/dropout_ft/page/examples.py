"""Pictures for the first click: of a folder, or of an embedded set for models trained on it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dropout_ft.data.decoding import EXTENSIONS
from dropout_ft.data.sources import emoji_drawing, four_hands_drawing
from dropout_ft.data.sources.emoji_styles import EmojiStyles
from dropout_ft.data.sources.four_hands import FourHands
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError

MOST = 6


@dataclass(frozen=True)
class Example:
    """A picture to try.

    Attributes:
        path: of the file.
        title: what it shows: the name of its folder.
        detail: where it is from; may be empty.
    """

    path: Path
    title: str
    detail: str = ""


def find_examples(folder: str | None, class_names: Sequence[str]) -> list[Example]:
    """Return some pictures, the same every time.

    Args:
        folder: of the user's; one picture of each of its folders. By default EmojiStyles or
            FourHands, the one whose classes the models know, where it is prepared.
        class_names: of the models.

    Raises:
        ConfigError: the folder has no pictures.
    """
    if folder is not None:
        return from_folder(Path(folder).expanduser())
    root = data_root(None)
    for source, drawing in ((EmojiStyles, emoji_drawing), (FourHands, four_hands_drawing)):
        if sorted(class_names) == source().class_names and drawing.is_prepared(root):
            return _from_domains(drawing.dataset_folder(root))
    return []


def from_folder(folder: Path) -> list[Example]:
    """Return pictures from different folders below one, as far as there are some.

    Raises:
        ConfigError: there is no picture.
    """
    by_parent: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in EXTENSIONS and path.is_file():
            by_parent.setdefault(path.parent, []).append(path)
    if not by_parent:
        raise ConfigError(f"There are no pictures in {folder}: give another --examples.")
    parents = _spread(list(by_parent), MOST)
    each = -(-MOST // len(parents))
    found = [path for parent in parents for path in _spread(by_parent[parent], each)]
    return [Example(path, path.parent.name) for path in found[:MOST]]


def _from_domains(folder: Path) -> list[Example]:
    """Return one picture of each domain, of different classes."""
    choose = random.Random(5)  # noqa: S311  (the same pictures every time)
    domains = sorted(one for one in folder.iterdir() if one.is_dir())
    classes = sorted(one.name for one in domains[0].iterdir() if one.is_dir())
    found = []
    for domain, label in zip(domains, choose.sample(classes, len(domains)), strict=True):
        path = choose.choice(sorted((domain / label).iterdir()))
        found.append(Example(path, label.replace("_", " "), domain.name.replace("_", " ")))
    return found


def _spread(paths: list[Path], count: int) -> list[Path]:
    """Return up to so many, evenly from the whole list."""
    count = min(count, len(paths))
    return [paths[number * len(paths) // count] for number in range(count)]
