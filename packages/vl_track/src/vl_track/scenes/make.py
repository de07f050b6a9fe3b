"""Making up a scene from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.seeding import fold_seed
from vl_track.scenes.appearance import COLOURS, TEXTURES, Appearance, dress
from vl_track.scenes.grammar import Described, sentence
from vl_track.scenes.motion import Path as Way
from vl_track.scenes.motion import make_path, smooth_noise
from vl_track.scenes.objects import Matrix, SceneObject
from vl_track.scenes.photographs import read_photograph
from vl_track.scenes.scene import Scene
from vl_track.scenes.shapes import cut_patch
from vl_track.scenes.world import Drawing, SceneWorld, base_sprite

Difficulty = Literal["standard", "distractors"]
ATTEMPTS = 200
PATCH = Drawing("patch", ("patch",))
UNDYED = 0.6
"""Share of photographed things that keep their own colours."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lead:
    """Size and path of a target for which they are not drawn at random.

    Attributes:
        side: in pixels, of its sprite in the first frame, before the path's scale.
        path: where it is, in as many frames as the scene has.
    """

    side: float
    path: Way


def make_scene(
    world: SceneWorld, seed: int, difficulty: Difficulty = "standard", lead: Lead | None = None
) -> Scene:
    """Make the scene of a seed; the same arguments give the same pixels.

    Args:
        world: material of a split.
        seed: any number.
        difficulty: ``standard`` scenes have up to two distractors of the target's class, or none;
            ``distractors`` scenes have two to four, which differ in colour, texture, size, place
            or relation.
        lead: of the target; drawn at random by default.
    """
    for attempt in range(ATTEMPTS):
        parts = ("scene", world.split, seed, difficulty, attempt)
        generator = np.random.default_rng(fold_seed(*parts))
        name = f"{world.split}-{difficulty}-{seed}"
        scene = _attempt(world, generator, difficulty, name, lead)
        if scene is not None:
            return scene
    raise AssertionError("the grammar tells a lone object apart, so an attempt succeeds")


def _attempt(
    world: SceneWorld,
    generator: np.random.Generator,
    difficulty: Difficulty,
    name: str,
    lead: Lead | None,
) -> Scene | None:
    many = difficulty == "distractors"
    drawing = _draw_source(world, generator, patches=not many)
    looks = [_looks(drawing, generator)]
    count = int(generator.integers(2, 5)) if many else int(generator.choice(3, p=[0.5, 0.3, 0.2]))
    ratios = [1.0]
    for _ in range(count):
        rival, ratio = _rival(looks[0], generator)
        looks.append(rival)
        ratios.append(ratio)
    sources = [drawing] * (1 + count)
    for _ in range(int(generator.integers(3))):
        other = _draw_source(world, generator, patches=True)
        if not set(other.nouns) & set(drawing.nouns):
            sources.append(other)
            looks.append(_looks(other, generator))
            ratios.append(generator.uniform(0.6, 1.5))
    things = _place(world, generator, looks, ratios, lead)
    if things is None:
        return None
    described = _describe(world, things)
    said = sentence(described[0], described[1:], world.split, generator)
    if said is None:
        return None
    return _film(
        world, generator, name, things, (said, *_say_others(world, described, name)), count
    )


def _draw_source(world: SceneWorld, generator: np.random.Generator, *, patches: bool) -> Drawing:
    if patches and generator.uniform() < 0.25:
        return PATCH
    if world.cutouts and generator.uniform() < world.cutout_share:
        return world.cutouts[int(generator.integers(len(world.cutouts)))]
    # Shapes are few: they would hardly be seen if every drawing were as likely.
    shapes = [d for d in world.drawings if d.source.startswith("shape/")]
    pool = shapes if generator.uniform() < 0.3 else world.drawings
    return pool[int(generator.integers(len(pool)))]


def _looks(drawing: Drawing, generator: np.random.Generator) -> Appearance:
    if drawing.photograph and generator.uniform() < UNDYED:
        return Appearance(
            source=drawing.source,
            class_name=drawing.nouns[int(generator.integers(len(drawing.nouns)))],
            colour=drawing.colour,
            texture=TEXTURES[0],
            natural=True,
        )
    natural = drawing is PATCH or (
        not drawing.source.startswith("shape/") and generator.uniform() < 0.15
    )
    return Appearance(
        source=drawing.source,
        class_name=drawing.nouns[int(generator.integers(len(drawing.nouns)))],
        colour=None if natural else str(generator.choice(list(COLOURS))),
        texture=TEXTURES[0]
        if natural
        else TEXTURES[int(generator.choice(4, p=[0.58, 0.14, 0.14, 0.14]))],
    )


def _rival(target: Appearance, generator: np.random.Generator) -> tuple[Appearance, float]:
    """Return the looks of a distractor of the target's class, and its size over the target's."""
    colour, texture, ratio = target.colour, target.texture, generator.uniform(0.85, 1.18)
    what = generator.choice(["colour", "texture", "size", "place"], p=[0.6, 0.2, 0.1, 0.1])
    if what == "colour" and colour is not None:
        colour = str(generator.choice([c for c in COLOURS if c != colour]))
    elif what in {"texture", "colour"} and target.source != "patch":
        texture = TEXTURES[
            int(generator.choice([i for i, t in enumerate(TEXTURES) if t != texture]))
        ]
    elif what == "size":
        ratio = float(generator.choice([0.55, 1.8]))
    return (
        Appearance(
            source=target.source,
            class_name=target.class_name,
            colour=colour,
            texture=texture,
            natural=target.natural and colour == target.colour,
        ),
        float(ratio),
    )


def _place(
    world: SceneWorld,
    generator: np.random.Generator,
    looks: Sequence[Appearance],
    ratios: Sequence[float],
    lead: Lead | None,
) -> list[SceneObject] | None:
    """Give every object a size, a first place apart from the others, and a path."""
    width, height = world.frame_size
    unit = np.exp(generator.uniform(np.log(0.15), np.log(0.34))) * height
    unit = unit if lead is None else lead.side
    patches: dict[str, NDArray[np.uint8]] = {}
    things: list[SceneObject] = []
    for appearance, ratio in zip(looks, ratios, strict=True):
        side = float(np.clip(unit * ratio, 0.09 * height, 0.45 * height))
        start = _free_spot(generator, world.frame_size, side, things)
        if start is None:
            return None
        if appearance.source == "patch":
            photograph = read_photograph(_choose(world.photographs, generator))
            base = patches.setdefault(appearance.source, cut_patch(photograph, generator))
        else:
            base = base_sprite(appearance.source)
        path = make_path(
            generator, world.frames, (width, height), start, side=side, recorded=world.trajectories
        )
        dressed = dress(base, appearance)
        thing = SceneObject(appearance=appearance, sprite=dressed, side=side, path=path)
        if lead is not None and not things:
            thing = replace(thing, side=lead.side, path=lead.path)
        things.append(thing)
    return things


def _free_spot(
    generator: np.random.Generator,
    frame_size: tuple[int, int],
    side: float,
    things: Sequence[SceneObject],
) -> tuple[float, float] | None:
    margin = 0.5 * side
    for _ in range(20):
        x, y = (float(generator.uniform(margin, length - margin)) for length in frame_size)
        if all(
            np.hypot(*(thing.path.centre[0] - (x, y))) > 0.55 * (thing.side + side)
            for thing in things
        ):
            return x, y
    return None


def _describe(world: SceneWorld, things: Sequence[SceneObject]) -> list[Described]:
    return [
        Described(
            class_name=thing.appearance.class_name,
            colour=thing.appearance.colour,
            texture=thing.appearance.texture,
            side=thing.side,
            centre=(
                float(thing.path.centre[0, 0] / world.frame_size[0]),
                float(thing.path.centre[0, 1] / world.frame_size[1]),
            ),
            motion=thing.motion_words,
        )
        for thing in things
    ]


def _say_others(world: SceneWorld, described: Sequence[Described], name: str) -> list[str | None]:
    """Describe every object but the target; with numbers of its own, so that pixels stay."""
    generator = np.random.default_rng(fold_seed("mentions", name))
    return [
        sentence(one, [other for other in described if other is not one], world.split, generator)
        for one in described[1:]
    ]


def _film(
    world: SceneWorld,
    generator: np.random.Generator,
    name: str,
    things: list[SceneObject],
    said: tuple[str | None, ...],
    same_kind: int,
) -> Scene | None:
    """Add occluders, camera, light and lens; refuse a target hidden in the first frame."""
    frames = world.frames
    order = [int(i) for i in generator.permutation(len(things))]
    objects = [things[i] for i in order]
    if generator.uniform() < 0.35:
        objects.append(_occluder(world, generator, things[0]))
    photograph = read_photograph(_choose(world.photographs, generator))
    light = smooth_noise(generator, frames, 4, 80) * generator.uniform(0, 0.12)
    cast = generator.uniform(0.88, 1.12, 3) * generator.uniform(0.75, 1.15)
    scene = Scene(
        name=name,
        sentence=said[0] or "",
        sayings=tuple(said[i] for i in order) + (None,) * (len(objects) - len(order)),
        frame_size=world.frame_size,
        objects=tuple(objects),
        target=order.index(0),
        background=photograph[:, ::-1] if generator.uniform() < 0.5 else photograph,
        ground=_ground(generator, photograph, world.frame_size),
        camera=_camera(generator, frames, world.frame_size),
        gain=cast * np.exp(light[:, :1] + 0.4 * light[:, 1:]),
        gamma=np.exp(generator.normal(0, 0.15) * np.ones((frames, 1))),
        softness=np.abs(smooth_noise(generator, frames, 1, 60)[:, 0]) * generator.choice([0, 1.2]),
        motion_blur=bool(generator.uniform() < 0.5),
        noise=float(generator.choice([0, generator.uniform(1, 7)])),
        noise_seed=int(generator.integers(2**31)),
        same_kind=same_kind,
    )
    return scene if scene.visible_fraction(0) > 0.6 else None


def _occluder(
    world: SceneWorld, generator: np.random.Generator, target: SceneObject
) -> SceneObject:
    """A patch of some photograph that crosses the target's path about the middle of the video."""
    patch = cut_patch(read_photograph(_choose(world.photographs, generator)), generator)
    meeting = int(world.frames * generator.uniform(0.25, 0.8))
    side = float(target.side * generator.uniform(0.6, 1.5))
    path = make_path(generator, world.frames, world.frame_size, (0.0, 0.0), side=side)
    centre = path.centre - path.centre[meeting] + target.path.centre[meeting]
    travel = generator.normal(0, 0.06 * side, 2)
    centre = centre + (np.arange(world.frames) - meeting)[:, None] * travel
    looks = Appearance(source="patch", class_name="occluder", colour=None, texture="plain")
    return SceneObject(
        appearance=looks,
        sprite=dress(patch, looks),
        side=side,
        path=type(path)(
            centre=centre,
            scale=path.scale,
            angle=path.angle,
            manner=path.manner,
            spinning=path.spinning,
        ),
    )


def _ground(
    generator: np.random.Generator, photograph: NDArray[np.uint8], frame_size: tuple[int, int]
) -> Matrix:
    """Lay the photograph so that it covers the frame and some more."""
    height, width = photograph.shape[:2]
    zoom = max(frame_size[0] / width, frame_size[1] / height) * generator.uniform(1.0, 2.0)
    slack = (frame_size[0] - zoom * width, frame_size[1] - zoom * height)
    shift = [generator.uniform(min(s, 0), max(s, 0)) for s in slack]
    return np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]], [0, 0, 1]])


def _camera(
    generator: np.random.Generator, frames: int, frame_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Return (T, 3, 3) affines of a hand-held camera that starts at rest."""
    strength = float(generator.choice([0, generator.uniform(0.3, 1.5)]))
    sway = smooth_noise(generator, frames, 4, 60) * strength
    sway = sway - sway[0]
    half_width, half_height = frame_size[0] / 2, frame_size[1] / 2
    zoom, angle = np.exp(0.08 * sway[:, 2]), 0.04 * sway[:, 3]
    camera = np.zeros((frames, 3, 3))
    camera[:, 0, 0] = camera[:, 1, 1] = zoom * np.cos(angle)
    camera[:, 1, 0] = zoom * np.sin(angle)
    camera[:, 0, 1] = -camera[:, 1, 0]
    centre = np.array([half_width, half_height])
    turned = np.einsum("tij,j->ti", camera[:, :2, :2], centre)
    camera[:, :2, 2] = centre - turned + sway[:, :2] * 0.06 * np.array(frame_size)
    camera[:, 2, 2] = 1
    return camera


def _choose(items: Sequence[Path], generator: np.random.Generator) -> Path:
    return items[int(generator.integers(len(items)))]
