"""Scenes: exact boxes, visibility, determinism, splits, and true sentences."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from holdfast.data.emoji.concepts import concepts
from holdfast.errors import DataError
from scenes_support import small_world
from vl_track.scenes.appearance import COLOURS, Appearance, dress, silhouette
from vl_track.scenes.make import make_scene
from vl_track.scenes.photographs import find_photographs, read_photograph
from vl_track.scenes.render import render
from vl_track.scenes.scene import Scene
from vl_track.scenes.shapes import SHAPES, cut_patch, draw_shape
from vl_track.scenes.trajectories import read_trajectories
from vl_track.scenes.world import nouns_of, split_of, training_nouns


def plain(scene: Scene) -> Scene:
    """The scene without what blurs the edge of an object: light, lens, noise, smear."""
    frames = len(scene)
    return replace(
        scene,
        gain=np.ones((frames, 3)),
        gamma=np.ones((frames, 1)),
        softness=np.zeros(frames),
        motion_blur=False,
        noise=0.0,
    )


def drawn_extent(scene: Scene, time: int) -> tuple[float, float, float, float] | None:
    """The box of the pixels that change when the target is left out: the slow reference."""
    scene = plain(scene)
    ground = np.zeros_like(scene.background)
    target = scene.objects[scene.target]
    white = replace(target, sprite=np.where(target.sprite[..., 3:] > 127, 255, 0).repeat(4, 2)
                    .astype(np.uint8))  # fmt: skip
    alone = replace(scene, background=ground, objects=(white,), target=0)
    scale = 4
    picture = render(
        alone, time, np.diag([scale, scale, 1.0]), tuple(scale * s for s in scene.frame_size)
    )
    rows, columns = np.nonzero(picture[..., 0] > 127)
    if len(rows) == 0:
        return None
    x0, x1, y0, y1 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    return x0 / scale, y0 / scale, (x1 - x0) / scale, (y1 - y0) / scale


def test_boxes_are_those_of_the_drawn_pixels(root: Path) -> None:
    compared = 0
    for seed in range(12):
        scene = make_scene(small_world(root), seed)
        for time in (0, 11, 29):
            extent = drawn_extent(scene, time)
            box = scene.box(time)
            if extent is None or min(extent[2:]) < 4 or box[2] == 0:
                continue
            assert np.allclose(box, extent, atol=1.0), (seed, time)
            compared += 1
    assert compared > 20


def test_the_same_seed_gives_the_same_pixels_and_another_one_does_not(root: Path) -> None:
    one, again, other = (make_scene(small_world(root), seed) for seed in (3, 3, 4))
    assert np.array_equal(one.frame(7), again.frame(7))
    assert one.sentence == again.sentence
    assert one.box(7) == again.box(7)
    assert not np.array_equal(one.frame(7), other.frame(7))


def test_a_crop_is_the_frame_resized(root: Path) -> None:
    scene = plain(make_scene(small_world(root), 1))
    window = (20.0, 10.0, 80.0)
    direct = scene.crop(5, window, 80)
    cut = scene.frame(5)[10:90, 20:100]
    assert np.abs(direct.astype(int) - cut).mean() < 4
    outside = scene.crop(5, (-40.0, -40.0, 80.0), 40)
    assert not outside[:19, :].any()
    assert not outside[:, :19].any()
    assert outside[25:, 25:].any()


def test_visibility_follows_what_covers_the_target(root: Path) -> None:
    scene = next(
        s
        for seed in range(40)
        if (s := make_scene(small_world(root), seed)).visible_fraction(0) > 0.95
    )
    target = scene.objects[scene.target]
    solid = target.sprite.copy()
    solid[:] = 255
    cover = replace(target, sprite=solid, side=target.side * 2.5)
    covered = replace(scene, objects=(*scene.objects, cover))
    assert covered.visible_fraction(0) < 0.05
    assert not covered.visible(0)
    assert not covered.out_of_view(0)
    below = replace(scene, objects=(cover, *scene.objects), target=scene.target + 1)
    assert below.visible_fraction(0) == pytest.approx(scene.visible_fraction(0))


def test_an_object_that_left_has_no_box(root: Path) -> None:
    scene = make_scene(small_world(root), 0)
    target = scene.objects[scene.target]
    gone = replace(target.path, centre=target.path.centre + 10_000)
    objects = list(scene.objects)
    objects[scene.target] = replace(target, path=gone)
    away = replace(scene, objects=tuple(objects))
    assert away.box(0) == (0.0, 0.0, 0.0, 0.0)
    assert away.out_of_view(0)
    assert not away.visible(0)


def test_distractor_scenes_have_rivals_of_the_same_kind(root: Path) -> None:
    for seed in range(10):
        scene = make_scene(small_world(root), seed, "distractors")
        kinds = [thing.appearance.class_name for thing in scene.objects]
        assert kinds.count(scene.noun) == scene.same_kind + 1 >= 3


def test_splits_share_no_photograph_no_emoji_and_no_wording(root: Path) -> None:
    shown = {split: set(find_photographs(root, split)) for split in ("train", "val", "test")}
    assert not shown["train"] & shown["test"]
    assert not shown["train"] & shown["val"]
    parts = {split: {c.code_point for c in concepts() if split_of(c) == split} for split in shown}
    assert all(parts.values())
    assert not parts["train"] & parts["test"]
    said = {make_scene(small_world(root, s), 5).sentence for s in ("train", "test")}
    assert len(said) == 2


def test_nouns_are_single_known_words() -> None:
    nouns = training_nouns()
    assert nouns == sorted(nouns)
    assert {"circle", "animal", "patch"} <= set(nouns)
    assert all(noun.isalpha() for noun in nouns)
    assert all(1 <= len(nouns_of(concept)) <= 2 for concept in concepts())


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_have_area_and_an_outline_around_it(name: str) -> None:
    sprite = draw_shape(name)
    solid = sprite[..., 3] > 127
    assert 0.05 < solid.mean() < 0.95
    outline = silhouette(sprite)
    rows, columns = np.nonzero(solid)
    assert outline[:, 0].min() == columns.min()
    assert outline[:, 0].max() == columns.max() + 1
    assert outline[:, 1].max() == rows.max() + 1


def test_an_empty_sprite_has_no_outline() -> None:
    assert silhouette(np.zeros((8, 8, 4), np.uint8)).shape == (0, 2)


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_a_dressed_sprite_is_nearest_to_its_colour(colour: str) -> None:
    looks = Appearance(source="s", class_name="square", colour=colour, texture="plain")
    dressed = dress(draw_shape("square"), looks)
    middle = dressed[40:56, 40:56, :3].reshape(-1, 3).mean(axis=0)
    distance = {name: np.abs(middle - value).sum() for name, value in COLOURS.items()}
    assert min(distance, key=distance.__getitem__) == colour


def test_textures_change_the_surface_and_keep_the_shape() -> None:
    base = draw_shape("circle")
    looks = [
        dress(base, Appearance(source="s", class_name="k", colour="red", texture=texture))
        for texture in ("plain", "striped", "dotted", "checked")
    ]
    assert all(np.array_equal(one[..., 3], base[..., 3]) for one in looks)
    spread = [one[30:66, 30:66, :3].std(axis=(0, 1)).mean() for one in looks]
    assert all(other > spread[0] + 10 for other in spread[1:])


def test_patches_come_from_the_photograph() -> None:
    photograph = np.full((120, 160, 3), (10, 200, 30), np.uint8)
    patch = cut_patch(photograph, np.random.default_rng(0))
    assert (patch[..., :3] == (10, 200, 30)).all()
    assert 0.1 < (patch[..., 3] > 127).mean() <= 1


def test_photographs_of_the_package_stand_in_for_missing_ones(tmp_path: Path) -> None:
    found = find_photographs(tmp_path, "train")
    assert len(found) >= 3
    assert read_photograph(found[0]).dtype == np.uint8


def test_a_broken_photograph_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.jpg"):
        read_photograph(bad)


def track_text(frames: int, *, empty: int = -1) -> str:
    rows = [f"{10 + t},{20 + 2 * t},30,40" for t in range(frames)]
    if empty >= 0:
        rows[empty] = "0,0,0,0"
    return "\n".join(rows) + "\n"


def test_trajectories_are_scaled_and_gaps_filled(tmp_path: Path) -> None:
    folder = tmp_path / "cat" / "cat-1"
    folder.mkdir(parents=True)
    (folder / "groundtruth.txt").write_text(track_text(80, empty=40))
    short = tmp_path / "cat" / "cat-2"
    short.mkdir()
    (short / "groundtruth.txt").write_text(track_text(10))
    tracks = read_trajectories(tmp_path)
    assert len(tracks) == 1
    assert tracks[0].shape == (80, 4)
    assert np.array_equal(tracks[0][40], tracks[0][39])
    assert tracks[0][:, :2].min() >= 0
    assert tracks[0][:, :2].max() <= 1


def test_objects_follow_recorded_tracks(root: Path, tmp_path: Path) -> None:
    (tmp_path / "groundtruth.txt").write_text(track_text(80))
    world = small_world(root, trajectories=read_trajectories(tmp_path))
    manners = {thing.path.manner for seed in range(10) for thing in make_scene(world, seed).objects}
    assert "recorded" in manners


def test_missing_trajectories_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no trajectories"):
        read_trajectories(tmp_path / "none")
    with pytest.raises(DataError, match="holds no ground truth"):
        read_trajectories(tmp_path)
    bad = tmp_path / "bad.tar.xz"
    bad.write_bytes(b"no archive")
    with pytest.raises(DataError, match="not a readable tar"):
        read_trajectories(bad)
