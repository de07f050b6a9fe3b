"""Turning the five packages of drawings into ``<style>/<class>/<code point>.png``."""

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from rich.progress import track

from dropout_ft.data.sources.contact_sheet import write_contact_sheet
from holdfast.atomic import write_text
from holdfast.data.emoji.concepts import Concept, concepts
from holdfast.data.emoji.drawings import Drawings
from holdfast.data.emoji.styles import STYLES, Style
from holdfast.data.preparing import new_folder, prepare_once

SIDE = 128
FOLDER = "emoji_styles"
FORMAT = 1


def dataset_folder(root: Path) -> Path:
    """Return the folder of the pictures below a data root."""
    return root / FOLDER


def is_prepared(root: Path) -> bool:
    """Tell whether the pictures of this format are there; the record is written last."""
    record = dataset_folder(root).parent / f"{FOLDER}.json"
    if not record.is_file():
        return False
    found = json.loads(record.read_text())
    expected = {style.name: style.sha256 for style in STYLES}
    return bool(found.get("format") == FORMAT and found.get("packages") == expected)


def prepare(root: Path) -> Path:
    """Fetch and render EmojiStyles below ``root`` unless it is there; return its folder.

    The pictures are 128 x 128 RGB on white; drawings in the current colour become black. Besides
    them, ``emoji_styles.json`` records versions, licences and counts, and
    ``emoji_styles_contact_sheet.png`` shows examples.

    Raises:
        MissingToolError: there is no npm to fetch with.
        DataError: a package cannot be fetched or lacks a drawing; or the folder is not ours.
    """
    target = dataset_folder(root)
    return prepare_once(target, lambda: is_prepared(root), lambda: _prepare(root, target))


def _prepare(root: Path, target: Path) -> None:
    record = root / f"{FOLDER}.json"
    with new_folder(target, record) as building:
        counts = {style.name: _prepare_style(style, root, building) for style in STYLES}
    write_contact_sheet(target, root / f"{FOLDER}_contact_sheet.png")
    write_text(record, json.dumps(_record(counts), indent=2) + "\n")


def on_white(drawing: Image.Image) -> Image.Image:
    """Put an RGBA drawing on white."""
    white = Image.new("RGBA", drawing.size, "white")
    white.alpha_composite(drawing)
    return white.convert("RGB")


def _prepare_style(style: Style, root: Path, building: Path) -> int:
    """Render one style; return how many pictures it has."""
    drawings = Drawings(style, root)
    drawn = [concept for concept in concepts() if concept.code_point in drawings]
    for concept in track(drawn, f"drawing {style.name}", disable=not sys.stdout.isatty()):
        _save(on_white(drawings.draw(concept.code_point, SIDE)), building / style.name, concept)
    return len(drawn)


def _save(image: Image.Image, folder: Path, concept: Concept) -> None:
    target = folder / concept.label
    target.mkdir(parents=True, exist_ok=True)
    image.save(target / f"{concept.code_point}.png")


def _record(counts: dict[str, int]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "packages": {style.name: style.sha256 for style in STYLES},
        "styles": [
            {
                "name": style.name,
                "package": f"{style.package} {style.version}",
                "licence": style.licence,
                "attribution": style.attribution,
                "images": counts[style.name],
            }
            for style in STYLES
        ],
        "changes": "rasterised at 128 x 128 pixels on white",
    }
