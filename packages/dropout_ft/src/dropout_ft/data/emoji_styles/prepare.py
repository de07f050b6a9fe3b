"""Turning the five packages of drawings into ``<style>/<class>/<code point>.png``."""

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import resvg_py
from PIL import Image
from rich.progress import track

from dropout_ft.data.emoji_styles.concepts import Concept, concepts
from dropout_ft.data.emoji_styles.contact_sheet import write_contact_sheet
from dropout_ft.data.emoji_styles.styles import STYLES, Style
from holdfast.atomic import write_text
from holdfast.data.npm_packages import fetch_npm_package, read_json_member
from holdfast.errors import DataError

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
        DataError: a package cannot be fetched or lacks a drawing.
    """
    target = dataset_folder(root)
    if is_prepared(root):
        return target
    building = target.with_name(f".{FOLDER}.building")
    shutil.rmtree(building, ignore_errors=True)
    counts = {style.name: _prepare_style(style, root, building) for style in STYLES}
    shutil.rmtree(target, ignore_errors=True)
    building.replace(target)
    write_contact_sheet(target, root / f"{FOLDER}_contact_sheet.png")
    write_text(root / f"{FOLDER}.json", json.dumps(_record(counts), indent=2) + "\n")
    return target


def render(icon: dict[str, Any], defaults: dict[str, Any], side: int = SIDE) -> Image.Image:
    """Rasterise one icon of an Iconify set to RGB on white.

    Args:
        icon: its ``body`` and, where they differ from the set's, its view box.
        defaults: the set's view box (``width``, ``height``).
        side: pixels.
    """
    box = {"left": 0, "top": 0, "width": 16, "height": 16, **defaults, **icon}
    view = f"{box['left']} {box['top']} {box['width']} {box['height']}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{view}" width="{side}" height="{side}" color="black">{icon["body"]}</svg>'
    )
    drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")
    white = Image.new("RGBA", (side, side), "white")
    white.alpha_composite(drawn, ((side - drawn.width) // 2, (side - drawn.height) // 2))
    return white.convert("RGB")


def _prepare_style(style: Style, root: Path, building: Path) -> int:
    """Render one style; return how many pictures it has."""
    tarball = fetch_npm_package(style.package, style.version, style.sha256, root / "packages")
    icons = read_json_member(tarball, "icons.json")
    characters = read_json_member(tarball, "chars.json")
    names = {code.replace("-fe0f", ""): name for code, name in characters.items()}
    defaults: dict[str, Any] = {key: icons[key] for key in ("width", "height") if key in icons}
    drawn = [concept for concept in concepts() if concept.code_point in names]
    for concept in track(drawn, f"drawing {style.name}", disable=not sys.stdout.isatty()):
        icon = _find_icon(icons, names[concept.code_point], style)
        _save(render(icon, defaults), building / style.name, concept)
    return len(drawn)


def _find_icon(icons: dict[str, Any], name: str, style: Style) -> dict[str, Any]:
    aliases = icons.get("aliases", {})
    while name not in icons["icons"]:
        if name not in aliases:
            raise DataError(f"{style.package} has no drawing '{name}': its version is not ours.")
        name = aliases[name]["parent"]
    icon: dict[str, Any] = icons["icons"][name]
    return icon


def _save(picture: Image.Image, folder: Path, concept: Concept) -> None:
    place = folder / concept.label
    place.mkdir(parents=True, exist_ok=True)
    picture.save(place / f"{concept.code_point}.png")


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
                "pictures": counts[style.name],
            }
            for style in STYLES
        ],
        "changes": "rasterised at 128 x 128 pixels on white",
    }
