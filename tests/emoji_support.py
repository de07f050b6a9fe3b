"""A data root with miniature emoji packages, for tests that must not download."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import dropout_ft.data.sources.emoji_drawing as preparation
from holdfast.data.emoji.concepts import Concept, concepts
from holdfast.data.emoji.styles import STYLES

SQUARE = '<path fill="#ff0000" d="M0 0h8v16H0z"/>'
PER_CLASS = 3


def pack(folder: Path, name: str, members: dict[str, Any]) -> Path:
    """Write a tarball as npm does: everything below ``package/``."""
    path = folder / name
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members.items():
            data = json.dumps(content).encode()
            info = tarfile.TarInfo(f"package/{member}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def chosen_concepts() -> list[Concept]:
    """The first few concepts of every class."""
    counts: dict[str, int] = {}
    chosen = []
    for concept in concepts():
        counts[concept.label] = counts.get(concept.label, 0) + 1
        if counts[concept.label] <= PER_CLASS:
            chosen.append(concept)
    return chosen


def small_emoji_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fill the package cache below ``folder`` and make the product expect those packages."""
    chosen = chosen_concepts()
    packages = folder / "packages"
    packages.mkdir()
    styles = []
    for style in STYLES:
        drawings = {concept.name: {"body": SQUARE} for concept in chosen[1:]}
        names = {concept.code_point: concept.name for concept in chosen[1:]}
        names[f"{chosen[0].code_point}-fe0f"] = "other name"
        icons = {
            "width": 16,
            "height": 16,
            "icons": drawings,
            "aliases": {"other name": {"parent": chosen[1].name}},
        }
        name = f"{style.package.lstrip('@').replace('/', '-')}-{style.version}.tgz"
        path = pack(packages, name, {"icons.json": icons, "chars.json": names})
        styles.append(replace(style, sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    monkeypatch.setattr(preparation, "STYLES", tuple(styles))
    return folder
