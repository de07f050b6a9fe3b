"""Scenes whose target moves as a recorded one did, and is gone when that was."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from holdfast.errors import DataError
from holdfast.seeding import fold_seed
from vl_track.data.flags import Flags
from vl_track.scenes.appearance import SIDE, Appearance, dress
from vl_track.scenes.make import Lead, make_scene
from vl_track.scenes.motion import Path
from vl_track.scenes.objects import SceneObject, bounds
from vl_track.scenes.photographs import read_photograph
from vl_track.scenes.scene import Scene
from vl_track.scenes.stretches import Stretch, fit
from vl_track.scenes.trajectories import Boxes
from vl_track.scenes.variation import LEAST_SEEN, Variation, vary
from vl_track.scenes.world import SceneWorld

MARGIN, MORE = 24.0, 1.3
"""What covers a target is so many times as long as its box, and so many pixels longer."""


def recorded_scene(
    world: SceneWorld, stretch: Stretch, variation: Variation | None = None
) -> Scene:
    """Make a scene whose target has the recorded boxes, laid into the frame.

    In the frames that are flagged as out of view the target is not in the frame, in those flagged
    as fully occluded something is drawn over it, and in all others it is visible. The sentence, the
    other objects, the photograph and the camera are those of any scene; the target is placed in
    the frame, whatever the camera does.

    Args:
        world: material; its number of frames does not count.
        stretch: of a recording.
        variation: of the scene, in which the target must not leave by itself.

    Raises:
        DataError: the target cannot be seen in a frame that is not flagged.
    """
    name = f"{world.split}-{stretch.name}-from-{stretch.first}"
    world = replace(world, frames=len(stretch))
    generator = np.random.default_rng(fold_seed("recorded scene", name))
    boxes = fit(stretch, world.frame_size, generator)
    scene = make_scene(world, fold_seed("recorded", name), lead=_lead(boxes))
    scene = replace(scene, name=name)
    scene = _with_target(scene, _pinned(scene, scene.objects[scene.target], boxes))
    scene = vary(scene, world, variation or Variation())
    scene = _without(scene, stretch.outside)
    if stretch.covered.any():
        scene = _cover(scene, world, boxes, stretch, generator)
    return _exactly(scene, stretch)


def _lead(boxes: Boxes) -> Lead:
    """Return size and path of a target that fills its boxes, for a camera at rest."""
    side = float(np.sqrt(boxes[0, 2] * boxes[0, 3]))
    path = Path(
        centre=boxes[:, :2] + boxes[:, 2:] / 2,
        scale=boxes[:, 2:] / side,
        angle=np.zeros(len(boxes)),
        manner="recorded",
        spinning=False,
    )
    return Lead(side=side, path=path)


def _pinned(scene: Scene, thing: SceneObject, boxes: Boxes) -> SceneObject:
    """Return an object whose solid pixels fill a box of the frame in each frame.

    Args:
        scene: with a camera that shifts, turns and zooms.
        thing: whatever its path was.
        boxes: (T, 4) x, y, width, height in pixels of the frame.
    """
    x0, y0, x1, y1 = bounds(thing.outline, np.eye(3))
    zoom = np.hypot(scene.camera[:, 0, 0], scene.camera[:, 1, 0])
    turned = np.arctan2(scene.camera[:, 1, 0], scene.camera[:, 0, 0])
    pixel = boxes[:, 2:] / np.array([x1 - x0, y1 - y0])  # of the sprite, in the frame
    off = (np.array([x0 + x1, y0 + y1]) - SIDE) / 2
    centre = boxes[:, :2] + boxes[:, 2:] / 2 - off * pixel
    return replace(
        thing,
        path=replace(
            thing.path,
            centre=_in_world(scene, centre),
            scale=pixel * SIDE / thing.side / zoom[:, None],
            angle=-turned,
        ),
    )


def _in_world(scene: Scene, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the world's coordinates (T, 2) of places in the frame."""
    away = places - scene.camera[:, :2, 2]
    return np.asarray(np.linalg.solve(scene.camera[:, :2, :2], away[..., None])[..., 0])


def _with_target(scene: Scene, target: SceneObject) -> Scene:
    objects = (*scene.objects[: scene.target], target, *scene.objects[scene.target + 1 :])
    return replace(scene, objects=objects)


def _without(scene: Scene, gone: Flags) -> Scene:
    """Put the target far outside the frame in some frames."""
    return _with_target(scene, _outside(scene, scene.objects[scene.target], gone))


def _outside(scene: Scene, thing: SceneObject, when: Flags | Sequence[int]) -> SceneObject:
    """Return an object that is far outside the frame at some times: flags, or their numbers."""
    centre = thing.path.centre.copy()
    centre[when] = -10.0 * sum(scene.frame_size)
    return replace(thing, path=replace(thing.path, centre=centre))


def _cover(
    scene: Scene,
    world: SceneWorld,
    boxes: Boxes,
    stretch: Stretch,
    generator: np.random.Generator,
) -> Scene:
    """Let a piece of a photograph come from outside, lie over the target, and go away again."""
    looks = Appearance(source="patch", class_name="cover", colour=None, texture="plain")
    sprite = dress(_piece(world, generator), looks)
    still = np.zeros((len(stretch), 2))
    path = Path(centre=still, scale=still, angle=still[:, 0], manner="recorded", spinning=False)
    cover = SceneObject(appearance=looks, sprite=sprite, side=float(SIDE), path=path)
    size = MORE * boxes[:, 2:] + MARGIN
    centre = boxes[:, :2] + boxes[:, 2:] / 2 + _approach(stretch.covered, scene, generator)
    cover = _pinned(scene, cover, np.concatenate([centre - size / 2, size], axis=1))
    return replace(scene, objects=(*scene.objects, cover), sayings=(*scene.sayings, None))


def _piece(world: SceneWorld, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Cut a whole square out of a photograph: RGBA (SIDE, SIDE, 4)."""
    number = int(generator.integers(len(world.photographs)))
    picture = read_photograph(world.photographs[number])
    side = int(min(picture.shape[:2]) * generator.uniform(0.15, 0.5))
    top, left = (int(generator.integers(length - side + 1)) for length in picture.shape[:2])
    piece = picture[top : top + side, left : left + side]
    drawn = cv2.resize(piece, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.dstack([drawn, np.full((SIDE, SIDE), 255, np.uint8)])


def _approach(covered: Flags, scene: Scene, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return how far from the target what covers it is: (T, 2), zero where it does."""
    times, there = np.arange(len(covered)), np.flatnonzero(covered)
    frames = np.abs(times[:, None] - there[None]).min(axis=1)
    share = np.minimum(frames / int(generator.integers(6, 16)), 1.0)
    angle = generator.uniform(0, 2 * np.pi)
    away: NDArray[np.float64] = np.array([np.cos(angle), np.sin(angle)]) * share[:, None]
    return away * _far(scene)


def _far(scene: Scene) -> float:
    """Return a distance from any place in the frame at which even large things are outside."""
    return 2.0 * float(np.hypot(*scene.frame_size))


def _exactly(scene: Scene, stretch: Stretch) -> Scene:
    """Return a scene whose target is visible in all frames that are not flagged, and only there.

    Where something hides it in another frame, what covers it comes later or goes earlier, and if
    that is not enough, other things pass behind it.

    Raises:
        DataError: that is not enough either.
    """
    hidden = [time for time in _seen_wrongly(scene, stretch) if not stretch.gone[time]]
    if hidden and stretch.covered.any():
        scene = _uncover(scene, hidden)
        hidden = [time for time in hidden if not _is_shown(scene, time)]
    if hidden:
        scene = _to_the_front(scene, above=len(scene.objects) - int(stretch.covered.any()))
    wrong = _seen_wrongly(scene, stretch)
    if wrong:
        raise DataError(
            f"Frame {stretch.first + wrong[0]} of the recorded track {stretch.name} cannot be "
            "drawn as it is flagged: leave this track out."
        )
    return scene


def _seen_wrongly(scene: Scene, stretch: Stretch) -> list[int]:
    gone = stretch.gone
    return [time for time in range(len(scene)) if _is_shown(scene, time) == gone[time]]


def _is_shown(scene: Scene, time: int) -> bool:
    """Tell whether the target is visible; of the first frame more must be seen to point at it."""
    enough = time > 0 or scene.visible_fraction(0) > LEAST_SEEN
    return enough and scene.visible(time)


def _uncover(scene: Scene, times: Sequence[int]) -> Scene:
    """Put what covers the target, which is drawn last, outside the frame at some times."""
    moved = _outside(scene, scene.objects[-1], times)
    return replace(scene, objects=(*scene.objects[:-1], moved))


def _to_the_front(scene: Scene, above: int) -> Scene:
    """Draw the target after the first so many objects."""
    order = [number for number in range(above) if number != scene.target] + [scene.target]
    order += range(above, len(scene.objects))
    return replace(
        scene,
        objects=tuple(scene.objects[number] for number in order),
        sayings=tuple(scene.sayings[number] for number in order),
        target=above - 1,
    )
