"""Variations of scenes in which the target is gone for a while, passed by, or shaken."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vl_track.scenes.motion import Path
from vl_track.scenes.objects import SceneObject
from vl_track.scenes.scene import Scene

FIRST_GONE, LONGEST_GONE = 0.15, 0.5
"""Shares of the video: before which a target does not go, and how long it stays away at most."""
SHAKE = 0.012
"""Standard deviation of the camera's jerks, as a share of the frame's width."""


def leave(scene: Scene, generator: np.random.Generator) -> Scene:
    """Let the target go out of the frame for some frames, or cut to another view of the place."""
    frames = len(scene)
    start = int(frames * generator.uniform(FIRST_GONE, 1 - FIRST_GONE))
    end = min(frames, start + int(frames * generator.uniform(0.1, LONGEST_GONE)))
    width, height = scene.frame_size
    if generator.uniform() < 0.4:
        shift = np.array([generator.choice([-1, 1]) * width, generator.choice([-1, 0, 1]) * height])
        camera = scene.camera.copy()
        camera[start:end, :2, 2] += 1.5 * shift
        return replace(scene, camera=camera)
    target = scene.objects[scene.target]
    angle = generator.uniform(0, 2 * np.pi)
    far = 1.6 * float(np.hypot(width, height))
    gone = np.zeros(frames)
    gone[start:end] = 1
    if generator.uniform() < 0.6:  # it walks out and in again; else it is there or not
        steps = int(generator.integers(5, 15))
        gone = np.convolve(np.pad(gone, steps, mode="edge"), np.ones(steps) / steps, mode="same")
        gone = gone[steps:-steps]
        gone[:2] = 0
    away = gone[:, None] * far * np.array([np.cos(angle), np.sin(angle)])
    moved = replace(target, path=replace(target.path, centre=target.path.centre + away))
    return _with(scene, {scene.target: moved})


def pass_by(scene: Scene, generator: np.random.Generator) -> Scene:
    """Let one to three things that look like the target cross its way; they come from outside."""
    target = scene.objects[scene.target]
    passers = [_passer(target, scene, generator) for _ in range(int(generator.integers(1, 4)))]
    count = len(passers)
    before, after = scene.objects[: scene.target], scene.objects[scene.target + 1 :]
    said = scene.sayings
    own = said[: scene.target + 1]
    if generator.uniform() < 0.5:  # behind the target
        objects = (*before, *passers, target, *after)
        sayings = (*own[:-1], *[None] * count, *own[-1:], *said[scene.target + 1 :])
        return replace(scene, objects=objects, sayings=sayings, target=scene.target + count)
    objects = (*before, target, *passers, *after)
    sayings = (*own, *[None] * count, *said[scene.target + 1 :])
    return replace(scene, objects=objects, sayings=sayings)


def _passer(target: SceneObject, scene: Scene, generator: np.random.Generator) -> SceneObject:
    """Return a thing of the target's looks whose straight way meets the target's once."""
    frames = len(scene)
    meeting = int(frames * generator.uniform(0.2, 0.9))
    angle = generator.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(angle), 0.4 * np.sin(angle)])
    width, height = scene.frame_size
    # Fast enough to be outside in the first frame, whose sentence must stay true.
    speed = 1.6 * float(np.hypot(width, height)) / meeting
    speed *= generator.uniform(1.0, 1.4) / float(np.hypot(*direction))
    way = (np.arange(frames) - meeting)[:, None] * speed * direction
    beside = generator.normal(0, 0.35 * target.side, 2)
    path: Path = target.path
    size = path.scale[meeting] * generator.uniform(0.8, 1.25)
    return replace(
        target,
        path=replace(
            path,
            centre=path.centre[meeting] + beside + way,
            scale=np.repeat(size[None], frames, axis=0),
            angle=path.angle * generator.choice([0.0, 1.0]),
            manner="wandering",
            spinning=False,
        ),
    )


def shake(scene: Scene, generator: np.random.Generator) -> Scene:
    """Jerk the camera from frame to frame, and let it drift further than plain scenes do."""
    frames = len(scene)
    strength = generator.uniform(0.3, 1.5)
    jerks: NDArray[np.float64] = generator.normal(0, SHAKE * strength, (frames, 2))
    drift = np.cumsum(generator.normal(0, 0.4 * SHAKE * strength, (frames, 2)), axis=0)
    turn = np.cumsum(generator.normal(0, 0.004 * strength, frames))
    moved = (jerks + drift) * scene.frame_size[0]
    moved, turn = moved - moved[0], turn - turn[0]
    half = np.array(scene.frame_size) / 2
    added = np.zeros((frames, 3, 3))
    added[:, 0, 0] = added[:, 1, 1] = np.cos(turn)
    added[:, 1, 0], added[:, 0, 1] = np.sin(turn), -np.sin(turn)
    added[:, :2, 2] = half - np.einsum("tij,j->ti", added[:, :2, :2], half) + moved
    added[:, 2, 2] = 1
    return replace(scene, camera=added @ scene.camera)


def _with(scene: Scene, changed: dict[int, SceneObject]) -> Scene:
    objects = tuple(changed.get(number, thing) for number, thing in enumerate(scene.objects))
    return replace(scene, objects=objects)
