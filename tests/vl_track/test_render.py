"""Drawing a scene: against a pixel-by-pixel reference, and each effect by what it does."""

from dataclasses import replace
from pathlib import Path as FilePath

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scenes_support import painted_root, small_world
from vl_track.scenes.appearance import SIDE, Appearance
from vl_track.scenes.make import make_scene
from vl_track.scenes.motion import Path
from vl_track.scenes.objects import SceneObject, bounds, bounds_within
from vl_track.scenes.render import render
from vl_track.scenes.scene import Scene
from vl_track.scenes.trajectories import read_trajectories

FRAMES = 4
SIZE = (64, 48)


def still_path(x: float, y: float, angle: float = 0.0, scale: float = 1.0) -> Path:
    return Path(
        centre=np.tile([x, y], (FRAMES, 1)).astype(float),
        scale=np.full((FRAMES, 2), scale),
        angle=np.full(FRAMES, angle),
        manner="still",
        spinning=False,
    )


def block(colour: tuple[int, int, int], path: Path, side: float = 16.0) -> SceneObject:
    """A solid square that fills its sprite."""
    sprite = np.full((SIDE, SIDE, 4), 255, np.uint8)
    sprite[..., :3] = colour
    looks = Appearance(source="block", class_name="square", colour=None, texture="plain")
    return SceneObject(appearance=looks, sprite=sprite, side=side, path=path)


def scene_of(*things: SceneObject, **changes: object) -> Scene:
    """A scene over a grey ground with no camera, light or lens."""
    neutral: dict[str, object] = {
        "name": "test", "sentence": "the square", "frame_size": SIZE, "objects": things,
        "target": 0, "background": np.full((SIZE[1], SIZE[0], 3), 100, np.uint8),
        "ground": np.eye(3), "camera": np.tile(np.eye(3), (FRAMES, 1, 1)),
        "gain": np.ones((FRAMES, 3)), "gamma": np.ones((FRAMES, 1)), "softness": np.zeros(FRAMES),
        "motion_blur": False, "noise": 0.0, "noise_seed": 0, "same_kind": 0,
    }  # fmt: skip
    return Scene(**{**neutral, **changes})  # type: ignore[arg-type]


RED = block((200, 10, 10), still_path(20, 20))
BLUE = block((10, 10, 200), still_path(26, 24))


def slow_picture(scene: Scene) -> np.ndarray:
    """Ask every pixel's centre which object covers it last: squares without a turn only."""
    width, height = scene.frame_size
    picture = np.zeros((height, width, 3), np.uint8)
    for row in range(height):
        for column in range(width):
            colour = scene.background[row, column]
            for thing in scene.objects:
                x, y = thing.path.centre[0]
                half = thing.side / 2
                if abs(column + 0.5 - x) < half and abs(row + 0.5 - y) < half:
                    colour = thing.sprite[SIDE // 2, SIDE // 2, :3]
            picture[row, column] = colour
    return picture


@pytest.mark.parametrize("things", [(RED,), (RED, BLUE), (BLUE, RED)])
def test_objects_cover_each_other_in_their_order(things: tuple[SceneObject, ...]) -> None:
    scene = scene_of(*things)
    found, wanted = scene.frame(0).astype(int), slow_picture(scene).astype(int)
    different = np.abs(found - wanted).max(axis=2) > 8
    # Edges are blended; the inside and the ground are exact.
    assert different.mean() < 0.06
    assert not different[:8].any()
    assert np.array_equal(found[20, 14], wanted[20, 14])
    assert np.array_equal(found[22, 25], wanted[22, 25])


def test_boxes_of_a_square_are_its_sides() -> None:
    assert scene_of(RED).box(0) == pytest.approx((12, 12, 16, 16), abs=0.01)
    turned = block((1, 2, 3), still_path(30, 24, angle=np.pi / 4))
    side = 16 * np.sqrt(2)
    wanted = (30 - side / 2, 24 - side / 2, side, side)
    assert scene_of(turned).box(0) == pytest.approx(wanted, abs=0.05)
    larger = block((1, 2, 3), still_path(30, 24, scale=1.5))
    assert scene_of(larger).box(0) == pytest.approx((18, 12, 24, 24), abs=0.05)


@settings(max_examples=60, deadline=None)
@given(x=st.floats(-20, 84), y=st.floats(-20, 68), angle=st.floats(0, 3.1))
@example(x=2.75, y=-4.125, angle=2.6875)
def test_boxes_lie_in_the_frame_and_hold_what_is_seen(x: float, y: float, angle: float) -> None:
    thing = block((250, 0, 0), still_path(x, y, angle))
    scene = scene_of(thing, background=np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    left, top, width, height = scene.box(0)
    assert left >= 0
    assert top >= 0
    assert left + width <= SIZE[0] + 1e-9
    assert top + height <= SIZE[1] + 1e-9
    rows, columns = np.nonzero(scene.frame(0)[..., 0] > 128)
    if len(rows) > 30:
        drawn = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        # A corner's tip covers less than half of its last pixels: 0.7 of one, and up to one more.
        assert (left, top, left + width, top + height) == pytest.approx(drawn, abs=1.8)


def test_the_part_in_the_frame_decides_not_the_clipped_whole() -> None:
    """A triangle whose wide side is out of the frame: its visible tip is narrow."""
    sprite = np.zeros((SIDE, SIDE, 4), np.uint8)
    for row in range(SIDE):
        sprite[row, SIDE // 2 - row // 2 : SIDE // 2 + row // 2 + 1] = 255
    thing = replace(block((1, 1, 1), still_path(32, 48), side=40.0), sprite=sprite)
    matrix = np.eye(3) @ thing.placement(0)
    x0, y0, x1, y1 = bounds(thing.outline, matrix)
    inner = bounds_within(thing, matrix, SIZE)
    assert y1 > SIZE[1]
    assert inner[3] == SIZE[1]
    assert inner[1] == pytest.approx(y0, abs=0.7)
    # Half the height is seen, so half the width.
    assert inner[2] - inner[0] == pytest.approx((x1 - x0) / 2, abs=1.5)


def test_a_moved_camera_moves_picture_and_box_alike() -> None:
    camera = np.tile(np.eye(3), (FRAMES, 1, 1))
    camera[1, :2, 2] = (7, -5)
    scene = scene_of(RED, camera=camera)
    x, y, width, height = scene.box(0)
    assert scene.box(1) == pytest.approx((x + 7, y - 5, width, height), abs=0.01)
    still, moved = scene.frame(0), scene.frame(1)
    assert np.array_equal(moved[5:30, 15:40], still[10:35, 8:33])


def test_light_gamma_and_cast() -> None:
    gain = np.tile([[1.0, 0.5, 1.5]], (FRAMES, 1))
    assert scene_of(RED, gain=gain).frame(0)[2, 60].tolist() == [100, 50, 150]
    dark = scene_of(RED, gamma=np.full((FRAMES, 1), 2.0)).frame(0)[2, 60, 0]
    assert dark == round((100 / 255) ** 2 * 255)


def test_noise_is_that_of_the_frame_and_no_other() -> None:
    scene = scene_of(RED, noise=6.0)
    one, again, other = scene.frame(1), scene.frame(1), scene.frame(2)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    ground = one[30:, 40:].astype(float)
    assert ground.mean() == pytest.approx(100, abs=1.0)
    assert ground.std() == pytest.approx(6, abs=0.6)


def test_softness_blurs_edges_and_keeps_flat_ground() -> None:
    sharp, soft = scene_of(RED), scene_of(RED, softness=np.full(FRAMES, 2.0))
    row = slice(12, 28)

    def steepest(scene: Scene) -> int:
        return int(np.abs(np.diff(scene.frame(0)[row, :, 0].astype(int), axis=1)).max())

    assert steepest(soft) < 0.6 * steepest(sharp)
    assert np.array_equal(soft.frame(0)[40:, 50:], sharp.frame(0)[40:, 50:])


def test_fast_objects_smear_along_their_way() -> None:
    path = still_path(20, 20)
    centre = path.centre.copy()
    centre[:, 0] += 9 * np.arange(FRAMES)
    thing = block((250, 250, 250), replace(path, centre=centre))
    blurred = scene_of(thing, motion_blur=True).frame(2)[..., 0].astype(int)
    sharp = scene_of(thing).frame(2)[..., 0].astype(int)
    row, column = 20, 38
    assert (np.diff(blurred[row]) != 0).sum() > (np.diff(sharp[row]) != 0).sum() + 4
    assert (np.diff(blurred[:, column]) != 0).sum() <= (np.diff(sharp[:, column]) != 0).sum() + 2
    first = scene_of(thing, motion_blur=True).frame(0)
    assert np.array_equal(first, scene_of(thing).frame(0))


@pytest.mark.parametrize(("order", "share"), [((0, 1), 0.5), ((1, 0), 1.0)])
def test_what_is_seen_is_counted_area(order: tuple[int, int], share: float) -> None:
    half = block((0, 0, 0), still_path(28, 20))  # covers the right half
    things = [(RED, half)[number] for number in order]
    scene = scene_of(*things, target=order.index(0))
    assert scene.visible_fraction(0) == pytest.approx(share, abs=0.05)
    outside = scene_of(block((0, 0, 0), still_path(0, 20)))
    assert outside.visible_fraction(0) == pytest.approx(0.5, abs=0.05)


def test_views_agree_at_every_zoom() -> None:
    """A crop at twice the size, shrunk again, is the frame."""
    scene = scene_of(RED, BLUE)
    large = render(scene, 0, np.diag([2.0, 2.0, 1.0]), (128, 96))
    shrunk = large.reshape(48, 2, 64, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(shrunk - scene.frame(0)).mean() < 2


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> FilePath:
    return painted_root(tmp_path_factory.mktemp("scenes"))


def test_scenes_vary_in_what_makes_tracking_hard(root: FilePath) -> None:
    scenes = [make_scene(small_world(root), seed) for seed in range(60)]
    shares = {
        "noise": np.mean([scene.noise > 0 for scene in scenes]),
        "blur": np.mean([scene.motion_blur for scene in scenes]),
        "soft": np.mean([scene.softness.max() > 0.2 for scene in scenes]),
        "camera": np.mean([not np.allclose(scene.camera[-1], np.eye(3)) for scene in scenes]),
        "occluder": np.mean(
            [any(t.appearance.class_name == "occluder" for t in scene.objects) for scene in scenes]
        ),
        "rivals": np.mean([scene.same_kind > 0 for scene in scenes]),
    }
    assert all(0.15 < share < 0.85 for share in shares.values()), shares
    hidden = [not scene.visible(time) for scene in scenes for time in range(0, len(scene), 5)]
    assert 0 < np.mean(hidden) < 0.4


def test_targets_start_in_plain_sight_of_a_camera_at_rest(root: FilePath) -> None:
    for seed in range(40):
        scene = make_scene(small_world(root), seed, "distractors")
        assert scene.visible_fraction(0) > 0.6
        assert np.allclose(scene.camera[0], np.eye(3), atol=0.12)


def test_recorded_motion_keeps_the_shape_of_the_track(root: FilePath, tmp_path: FilePath) -> None:
    """A thing that follows a recorded line moves along that line, scaled to the frame."""
    folder = tmp_path / "a/a-1"
    folder.mkdir(parents=True)
    rows = "".join(f"{10 * t},{5 * t},40,40\n" for t in range(80))
    (folder / "groundtruth.txt").write_text(rows)
    world = small_world(root, trajectories=read_trajectories(tmp_path), frames=20)
    found = 0
    for seed in range(15):
        for thing in make_scene(world, seed).objects:
            if thing.path.manner == "recorded":
                steps = np.diff(thing.path.centre, axis=0)
                assert np.allclose(steps, steps[0], atol=1e-6)
                assert abs(steps[0][0]) > 0
                found += 1
    assert found > 3
