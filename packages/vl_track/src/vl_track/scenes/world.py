"""What scenes of one split are made of: sprites, photographs, nouns, recorded motion."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from holdfast.data.emoji.concepts import Concept, concepts, is_held_out
from vl_track.scenes.appearance import SIDE
from vl_track.scenes.cutouts import FOLDER, find_cutouts
from vl_track.scenes.grammar import Split
from vl_track.scenes.photographs import find_photographs
from vl_track.scenes.shapes import SHAPES, draw_shape
from vl_track.scenes.sprites import sprite_folder

# Training, validation and test show different things drawn by different hands.
STYLES: dict[Split, tuple[str, ...]] = {
    "train": ("fluent_flat", "noto"),
    "val": ("twemoji",),
    "test": ("twemoji", "openmoji"),
}
HELD_OUT = 0.3
VALIDATION_SHARE = 0.1
FRAMES = 100
"""Length of a video."""
SHAPE = "shape/"
"""Begins the source of a drawing that is computed."""


@dataclass(frozen=True)
class Drawing:
    """A sprite's source, the nouns that fit it, and for a cut-out the colour it has by nature."""

    source: str
    nouns: tuple[str, ...]
    photograph: bool = False
    colour: str | None = None


@dataclass(frozen=True, kw_only=True)
class SceneWorld:
    """The material of a split's scenes.

    Attributes:
        split: ``train``, ``val`` or ``test``.
        drawings: sprites that can be drawn.
        photographs: files for backgrounds and patches.
        cutouts: photographs of things (:mod:`vl_track.scenes.cutouts`).
        cutout_share: how often a drawing is one of them, in [0, 1].
        trajectories: recorded tracks objects may follow, (T, 4) each.
        frame_size: width, height of a video.
        frames: length of a video.
    """

    split: Split
    drawings: tuple[Drawing, ...]
    photographs: tuple[Path, ...]
    cutouts: tuple[Drawing, ...] = ()
    cutout_share: float = 0.0
    trajectories: Sequence[NDArray[np.float64]] = field(default=(), repr=False)
    frame_size: tuple[int, int] = (480, 360)
    frames: int = FRAMES

    @classmethod
    def open(
        cls,
        root: Path,
        split: Split,
        *,
        trajectories: Sequence[NDArray[np.float64]] = (),
        frame_size: tuple[int, int] = (480, 360),
        frames: int = FRAMES,
        cutout_share: float = 0.0,
    ) -> "SceneWorld":
        """Collect a split's material below a data root.

        Without prepared emoji (:func:`vl_track.scenes.sprites.prepare_sprites`) the objects
        are shapes and photograph patches only. With a ``cutout_share`` above 0 the cut-outs must
        have been prepared; without them, scenes are the same to the pixel as they always were.
        """
        shapes = tuple(Drawing(f"{SHAPE}{name}", (name,)) for name in SHAPES)
        return cls(
            split=split,
            drawings=shapes + tuple(_emoji(root, split)),
            photographs=tuple(find_photographs(root, split)),
            cutouts=tuple(_cutouts(root, split)) if cutout_share > 0 else (),
            cutout_share=cutout_share,
            trajectories=trajectories,
            frame_size=frame_size,
            frames=frames,
        )

    def files(self) -> list[Path]:
        """Return the files of the material: drawings, photographs and cut-outs."""
        sources = [one.source for one in (*self.drawings, *self.cutouts)]
        drawn = {source for source in sources if not source.startswith(SHAPE)}
        return sorted({*map(Path, drawn), *self.photographs})


def split_of(concept: Concept) -> Split:
    """Return the split a thing is shown in, decided by its code point."""
    if not is_held_out(concept.code_point, HELD_OUT):
        return "train"
    return "val" if is_held_out(concept.code_point, VALIDATION_SHARE) else "test"


def nouns_of(concept: Concept) -> tuple[str, ...]:
    """Return the nouns for a thing: its class, and its name where that is one plain word."""
    name = concept.name
    plain = name.isalpha() and name.islower()
    return (concept.label, name) if plain else (concept.label,)


def training_nouns() -> list[str]:
    """Return every noun a training sentence can contain, sorted."""
    things = {noun for c in concepts() if split_of(c) == "train" for noun in nouns_of(c)}
    return sorted(things | set(SHAPES) | {"patch"})


def _cutouts(root: Path, split: Split) -> list[Drawing]:
    return [
        Drawing(str(root / FOLDER / one.file), one.nouns, photograph=True, colour=one.colour)
        for one in find_cutouts(root, split)
    ]


def _emoji(root: Path, split: Split) -> list[Drawing]:
    folder = sprite_folder(root)
    chosen = [concept for concept in concepts() if split_of(concept) == split]
    return [
        Drawing(str(path), nouns_of(concept))
        for style in STYLES[split]
        for concept in chosen
        if (path := folder / style / f"{concept.code_point}.png").is_file()
    ]


@lru_cache(maxsize=4096)
def base_sprite(source: str) -> NDArray[np.uint8]:
    """Return a drawing as straight RGBA (SIDE, SIDE, 4)."""
    if source.startswith(SHAPE):
        return draw_shape(source.removeprefix(SHAPE))
    drawn = cv2.imread(source, cv2.IMREAD_UNCHANGED)
    assert drawn is not None, source
    drawn = cv2.resize(drawn, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(drawn[..., [2, 1, 0, 3]])
