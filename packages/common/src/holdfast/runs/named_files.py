"""The files that settings name, such as starting weights: their bytes are part of what a run is."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

FOLDERS = frozenset({"start_from", "weights"})
"""Last words of the settings that may name a whole folder, of a model."""


def named_files(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return size and hash of every file that a recipe names, by setting.

    Args:
        recipe: the settings that count, by dotted key. Values that name no file are passed over.

    Raises:
        OSError: a file vanished or cannot be read.
    """
    found = {}
    for key, text in _texts(recipe, ""):
        # expanduser raises for a name such as ~nobody, which may be any text.
        path = Path(text).expanduser() if text.startswith("~/") else Path(text)
        looks_like_one = "/" in text or "." in text
        kind = _kind(path)
        if looks_like_one and kind == "file":
            found[key] = _described([path])
        elif key.rsplit(".", 1)[-1] in FOLDERS and kind == "folder":
            files = sorted(one for one in path.rglob("*") if one.is_file())
            found[key] = _described(files)
    return found


def _kind(path: Path) -> Literal["file", "folder", ""]:
    try:
        return "file" if path.is_file() else "folder" if path.is_dir() else ""
    except OSError:  # a text that is too long for a file's name, or a folder that is closed to us
        return ""


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  (JSON values)
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{key}.{number}")


def _described(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    size = sum(path.stat().st_size for path in files)
    return f"{size} bytes, sha256 {digest.hexdigest()[:16]}"
