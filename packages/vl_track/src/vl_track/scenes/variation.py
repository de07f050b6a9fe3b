"""What real targets do and plain scenes do not: being held by a hand, and being long or wide.

Added after a scene is made, with random numbers of its own, so that the pixels of scenes without
it never change and figures on the test split stay comparable.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from holdfast.seeding import fold_seed
from vl_track.scenes.absences import leave, pass_by, shake
from vl_track.scenes.appearance import SIDE, Appearance, dress
from vl_track.scenes.objects import SceneObject
from vl_track.scenes.photographs import read_photograph
from vl_track.scenes.scene import Scene
from vl_track.scenes.synonyms import reword
from vl_track.scenes.world import SceneWorld

LEAST_SEEN = 0.6
"""A target of which less is seen in the first frame could not be pointed at."""
STRETCH = 1.1
"""Largest logarithm of width over height that stretching adds: three times as long as wide."""


@dataclass(frozen=True, kw_only=True)
class Variation:
    """How many scenes are varied, as probabilities in [0, 1].

    Attributes:
        occluding_hand: something that is not the target holds it and moves along with it, partly
            over it, partly behind: a model that never saw this takes hands for part of the object.
        aspect_jitter: all objects are made longer or wider, in one proportion.
        leaving: the target goes out of the frame for some frames, or the view is cut to another
            part of the place; ``visible`` is false there.
        passers_by: things that look like the target come from outside and cross its way.
        shaking: the camera jerks from frame to frame.
        rewording: sentences use other words for the same (:mod:`vl_track.scenes.synonyms`).
    """

    occluding_hand: float = 0.0
    aspect_jitter: float = 0.0
    leaving: float = 0.0
    passers_by: float = 0.0
    shaking: float = 0.0
    rewording: float = 0.0


def vary(scene: Scene, world: SceneWorld, variation: Variation) -> Scene:
    """Return the scene, varied or not; the same scene and variation give the same result."""
    generator = np.random.default_rng(fold_seed("variation", scene.name))
    stretched, held = (
        bool(generator.uniform() < chance)
        for chance in (variation.aspect_jitter, variation.occluding_hand)
    )
    for wanted, change in ((stretched, _stretch), (held, _hand_over)):
        changed = change(scene, world, generator) if wanted else scene
        # A changed object may hide the target: then that change is left out.
        scene = changed if changed.visible_fraction(0) > LEAST_SEEN else scene
    return _more(scene, variation)


def _more(scene: Scene, variation: Variation) -> Scene:
    """Apply the later variations; with numbers of their own, so that the earlier ones stay."""
    generator = np.random.default_rng(fold_seed("more variation", scene.name))
    draws = generator.uniform(size=4)
    changes = (
        (variation.leaving, leave),
        (variation.passers_by, pass_by),
        (variation.shaking, shake),
    )
    for draw, (chance, change) in zip(draws, changes, strict=False):
        changed = change(scene, generator) if draw < chance else scene
        scene = changed if changed.visible_fraction(0) > LEAST_SEEN else scene
    if draws[3] < variation.rewording:
        said = tuple(None if one is None else reword(one, generator) for one in scene.sayings)
        scene = replace(scene, sentence=said[scene.target] or scene.sentence, sayings=said)
    return scene


def _stretch(scene: Scene, world: SceneWorld, generator: np.random.Generator) -> Scene:
    """Change the proportion of all objects alike, so that words about their sizes stay true."""
    del world
    factor = np.exp(generator.uniform(-STRETCH, STRETCH) / 2)
    proportion = np.array([factor, 1 / factor])
    objects = tuple(
        replace(thing, path=replace(thing.path, scale=thing.path.scale * proportion))
        for thing in scene.objects
    )
    return replace(scene, objects=objects)


def _hand_over(scene: Scene, world: SceneWorld, generator: np.random.Generator) -> Scene:
    """Let one limb, or one on each side of the target's surface, hold the target."""
    target = scene.objects[scene.target]
    skin = _skin(world, generator)
    # From any direction, from below most often.
    direction = np.pi / 2 + generator.normal(0, 1.0)
    over, under = [(True, False), (False, True), (True, True)][int(generator.integers(3))]
    below = [_limb(target, skin, direction, generator, fingers=False)] if under else []
    above = [_limb(target, skin, direction, generator, fingers=True)] if over else []
    before, after = scene.objects[: scene.target], scene.objects[scene.target + 1 :]
    sayings = scene.sayings
    said_before, said_after = sayings[: scene.target], sayings[scene.target + 1 :]
    return replace(
        scene,
        objects=(*before, *below, target, *above, *after),
        sayings=(
            *said_before,
            *(None for _ in below),
            sayings[scene.target],
            *(None for _ in above),
            *said_after,
        ),
        target=scene.target + len(below),
    )


def _limb(
    target: SceneObject,
    skin: NDArray[np.uint8],
    direction: float,
    generator: np.random.Generator,
    *,
    fingers: bool,
) -> SceneObject:
    """Return a limb that ends at the target and keeps its place on it.

    Args:
        target: what is held.
        skin: RGB (SIDE, SIDE, 3), its surface.
        direction: where it comes from, radians clockwise from the right, in the target's frame.
        generator: of random numbers.
        fingers: it lies over the target and reaches less far than an arm below it does.
    """
    path = target.path
    thickness = generator.uniform(0.3, 0.8)
    length = generator.uniform(1.2, 2.6) if not fingers else generator.uniform(0.8, 2.2)
    extent = target.side * np.sqrt(path.scale[:, 0] * path.scale[:, 1])
    reach = target.side * path.scale / 2
    outward = np.array([np.cos(direction), np.sin(direction)])
    # The edge of the target's ellipse in that direction, and the part of the limb upon it.
    edge = 1 / np.sqrt(((outward / reach) ** 2).sum(axis=1))
    overlap = generator.uniform(0.08, 0.3 if fingers else 0.6) * 2 * edge
    along = edge - overlap + length * extent / 2
    sway = 0.03 * np.sin(np.arange(len(edge)) / generator.uniform(6, 25) + generator.uniform(0, 6))
    angle = path.angle + direction + sway
    centre = path.centre + along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    looks = Appearance(source="limb", class_name="hand", colour=None, texture="plain")
    shape = _shape(generator, fingers=fingers)
    return SceneObject(
        appearance=looks,
        sprite=dress(np.dstack([skin, shape]), looks),
        side=target.side,
        path=replace(
            path,
            centre=centre,
            # The sprite's limb lies along its x axis with its near end at the left.
            scale=np.stack([extent * length, extent * thickness], axis=1) / target.side,
            angle=angle,
            spinning=False,
        ),
    )


def _skin(world: SceneWorld, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return a surface (SIDE, SIDE, 3): skin, plain cloth, or a piece of a photograph."""
    draw = generator.uniform()
    if draw < 0.3:
        picture = read_photograph(
            world.photographs[int(generator.integers(len(world.photographs)))]
        )
        side = int(min(picture.shape[:2]) * generator.uniform(0.1, 0.4))
        top, left = (int(generator.integers(size - side + 1)) for size in picture.shape[:2])
        piece = picture[top : top + side, left : left + side]
        return np.asarray(cv2.resize(piece, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    tone = (
        np.array([238, 195, 165]) * generator.uniform(0.3, 1.05) + generator.normal(0, 8, 3)
        if draw < 0.75
        else generator.uniform(20, 240, 3)
    )
    # Rounded like an arm: lighter along the middle; the sleeve may begin somewhere.
    across = 1 - 0.4 * np.abs(np.linspace(-1, 1, SIDE)) ** 2
    surface = np.repeat((across[:, None, None] * tone), SIDE, axis=1)
    if generator.uniform() < 0.5:
        sleeve = int(generator.uniform(0.4, 0.9) * SIDE)
        surface[:, sleeve:] = across[:, None, None] * generator.uniform(20, 240, 3)
    return np.clip(surface, 0, 255).astype(np.uint8)


def _shape(generator: np.random.Generator, *, fingers: bool) -> NDArray[np.uint8]:
    """Return the alpha (SIDE, SIDE) of a limb along x: a round end at the left, or fingers."""
    big = 4 * SIDE
    mask = np.zeros((big, big), dtype=np.uint8)
    radius = int(0.46 * big * generator.uniform(0.6, 1.0))
    wrist = int(radius * generator.uniform(0.6, 1.0))
    count = int(generator.integers(3, 6)) if fingers and generator.uniform() < 0.7 else 0
    start = int(0.3 * big) if count else int(0.12 * big)
    cv2.ellipse(mask, (start, big // 2), (int(0.12 * big), radius), 0, 0, 360, 255, -1)
    corners = [(start, big // 2 - radius), (big, big // 2 - wrist)]
    corners += [(big, big // 2 + wrist), (start, big // 2 + radius)]
    cv2.fillPoly(mask, [np.array(corners, dtype=np.int32)], 255)
    for number in range(count):
        height = big // 2 + int(radius * (2 * (number + 0.5) / count - 1))
        tip = (int(big * generator.uniform(0.02, 0.14)), height)
        width = max(2, int(1.5 * radius / count))
        cv2.line(mask, tip, (start, height), 255, width)
        cv2.circle(mask, tip, width // 2, 255, -1)
    return np.asarray(cv2.resize(mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
