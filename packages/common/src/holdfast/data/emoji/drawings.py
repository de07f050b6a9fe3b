"""Reading one style's drawings and rasterising them."""

import io
from pathlib import Path
from typing import Any

import resvg_py
from PIL import Image

from holdfast.data.emoji.styles import Style
from holdfast.data.npm_packages import fetch_npm_package, read_json_member
from holdfast.errors import DataError


class Drawings:
    """The drawings of one style, by code point.

    Args:
        style: package and version.
        root: data root; the package is kept in its ``packages`` folder.

    Raises:
        MissingToolError: there is no npm to fetch with.
        DataError: the package cannot be fetched.
    """

    def __init__(self, style: Style, root: Path) -> None:
        self.style = style
        tarball = fetch_npm_package(style.package, style.version, style.sha256, root / "packages")
        self._icons = read_json_member(tarball, "icons.json")
        characters = read_json_member(tarball, "chars.json")
        self._names = {code.replace("-fe0f", ""): name for code, name in characters.items()}
        self._defaults: dict[str, Any] = {
            key: self._icons[key] for key in ("width", "height") if key in self._icons
        }

    def __contains__(self, code_point: str) -> bool:
        return code_point in self._names

    def draw(self, code_point: str, side: int) -> Image.Image:
        """Rasterise one drawing to RGBA, ``side`` pixels square.

        Raises:
            DataError: the package lacks a drawing it names.
        """
        return self.draw_named(self._names[code_point], side)

    def draw_named(self, name: str, side: int) -> Image.Image:
        """Rasterise the drawing that the package calls ``name`` to RGBA, ``side`` pixels square.

        Raises:
            DataError: the package lacks it.
        """
        return rasterise(self._icon(name), self._defaults, side)

    def _icon(self, name: str) -> dict[str, Any]:
        aliases = self._icons.get("aliases", {})
        while name not in self._icons["icons"]:
            if name not in aliases:
                raise DataError(
                    f"{self.style.package} has no drawing '{name}': its version is not ours."
                )
            name = aliases[name]["parent"]
        icon: dict[str, Any] = self._icons["icons"][name]
        return icon


def rasterise(icon: dict[str, Any], defaults: dict[str, Any], side: int) -> Image.Image:
    """Rasterise one icon of an Iconify set to RGBA; drawings in the current colour become black.

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
    square = Image.new("RGBA", (side, side))
    square.paste(drawn, ((side - drawn.width) // 2, (side - drawn.height) // 2))
    return square
