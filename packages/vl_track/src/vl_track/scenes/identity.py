"""A digest of everything that a scene is drawn from."""

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from vl_track.scenes.scene import Scene

PLACES = {"source"}
"""Fields that say where something was read; what was read there is in other fields."""


def digest_of_scene(scene: Scene) -> str:
    """Return a digest that is the same for scenes with the same pixels, boxes and sentences."""
    found = hashlib.sha256()
    _take(found, scene)
    return found.hexdigest()


def _take(found: "hashlib._Hash", value: Any) -> None:  # noqa: ANN401  (of any field)
    if is_dataclass(value):
        for one in fields(value):
            if one.name not in PLACES:
                found.update(f"{one.name} ".encode())
                _take(found, getattr(value, one.name))
    elif isinstance(value, tuple):
        found.update(f"{len(value)} of ".encode())
        for one in value:
            _take(found, one)
    elif isinstance(value, np.ndarray):
        found.update(f"{value.dtype} {value.shape} ".encode())
        found.update(value.tobytes())
    else:
        found.update(f"{value!r} ".encode())
