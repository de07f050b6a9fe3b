"""Drawing the emoji of Scenes once, with transparent ground, below the data root."""

import json
import sys
from pathlib import Path

from rich.progress import track

from holdfast.atomic import write_text
from holdfast.data.emoji.concepts import concepts
from holdfast.data.emoji.drawings import Drawings
from holdfast.data.emoji.styles import STYLES, Style
from holdfast.data.preparing import new_folder, prepare_once

FOLDER = "scenes_sprites"
SIDE = 96
# High contrast is black only; Scenes gives its own colours.
LEFT_OUT = "fluent_high_contrast"


def sprite_folder(root: Path) -> Path:
    """Return the folder of sprites, ``<style>/<code point>.png`` below it."""
    return root / FOLDER


def sprites_are_prepared(root: Path) -> bool:
    """Tell whether the sprites of these packages are there; the record is written last."""
    record = root / f"{FOLDER}.json"
    return record.is_file() and json.loads(record.read_text()) == _record()


def prepare_sprites(root: Path) -> Path:
    """Fetch and draw the sprites unless they are there; return their folder.

    Raises:
        MissingToolError: there is no npm to fetch with.
        DataError: a package cannot be fetched or lacks a drawing; or the folder is not ours.
    """
    target = sprite_folder(root)
    return prepare_once(target, lambda: sprites_are_prepared(root), lambda: _prepare(root, target))


def _prepare(root: Path, target: Path) -> None:
    record = root / f"{FOLDER}.json"
    with new_folder(target, record) as building:
        for style in _styles():
            _draw_style(style, root, building / style.name)
    write_text(record, json.dumps(_record(), indent=2) + "\n")


def _styles() -> list[Style]:
    return [style for style in STYLES if style.name != LEFT_OUT]


def _record() -> dict[str, object]:
    return {"side": SIDE, "packages": {style.name: style.sha256 for style in _styles()}}


def _draw_style(style: Style, root: Path, folder: Path) -> None:
    drawings = Drawings(style, root)
    folder.mkdir(parents=True)
    drawn = [concept for concept in concepts() if concept.code_point in drawings]
    for concept in track(drawn, f"drawing {style.name}", disable=not sys.stdout.isatty()):
        picture = drawings.draw(concept.code_point, SIDE)
        picture.save(folder / f"{concept.code_point}.png")
