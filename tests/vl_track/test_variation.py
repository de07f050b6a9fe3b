"""Varied scenes: a carrier keeps its hold, covers what it covers, and nothing else changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenes_support import painted_root, small_world
from vl_track.data.pairs import PairOptions
from vl_track.scenes.clips import scenes_videos
from vl_track.scenes.datamodule import ScenePairs
from vl_track.scenes.make import make_scene
from vl_track.scenes.scene import Scene
from vl_track.scenes.variation import LEAST_SEEN, STRETCH, Variation, vary
from vl_track.scenes.world import SceneWorld

CARRIED = Variation(occluding_hand=1.0)
STRETCHED = Variation(aspect_jitter=1.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SceneWorld:
    return small_world(painted_root(tmp_path_factory.mktemp("scenes")))


@pytest.fixture(scope="module")
def pairs(world: SceneWorld) -> list[tuple[Scene, Scene]]:
    """Scenes and what carrying makes of them."""
    scenes = [make_scene(world, seed) for seed in range(24)]
    return [(scene, vary(scene, world, CARRIED)) for scene in scenes]


def limbs(scene: Scene) -> list[int]:
    return [n for n, thing in enumerate(scene.objects) if thing.appearance.source == "limb"]


def test_without_variation_a_scene_is_the_very_same(world: SceneWorld) -> None:
    scene = make_scene(world, 2)
    assert vary(scene, world, Variation()) is scene


def test_a_carried_target_keeps_its_box_sentence_and_neighbours(
    pairs: list[tuple[Scene, Scene]],
) -> None:
    carried = 0
    for before, after in pairs:
        carried += bool(limbs(after))
        assert after.sentence == before.sentence
        assert after.noun == before.noun
        assert len(after.sayings) == len(after.objects)
        kept = [thing for n, thing in enumerate(after.objects) if n not in limbs(after)]
        assert kept == list(before.objects)
        for time in (0, len(before) // 2, len(before) - 1):
            assert after.box(time) == before.box(time)
            assert len(after.mentions(time)) <= len(before.mentions(time))
    assert carried > len(pairs) * 0.8


def test_a_limb_covers_no_more_than_allowed_and_sometimes_something(
    pairs: list[tuple[Scene, Scene]],
) -> None:
    lost = [
        before.visible_fraction(0) - after.visible_fraction(0)
        for before, after in pairs
        if limbs(after)
    ]
    assert min(lost) > -1e-6
    assert max(lost) > 0.02
    assert all(after.visible_fraction(0) > LEAST_SEEN for _, after in pairs)


def test_a_limb_stays_where_it_took_hold(pairs: list[tuple[Scene, Scene]]) -> None:
    """In the target's own coordinates the near end hardly moves while the target travels."""
    travelled = 0.0
    for _, scene in pairs:
        target = scene.objects[scene.target]
        for number in limbs(scene):
            limb = scene.objects[number]
            # The middle of the left edge of the sprite is the end that holds.
            end = np.array([0.0, limb.sprite.shape[0] / 2, 1.0])
            held = np.array(
                [
                    np.linalg.inv(target.placement(time)) @ limb.placement(time) @ end
                    for time in range(len(scene))
                ]
            )[:, :2]
            side = target.sprite.shape[0]
            assert np.ptp(held, axis=0).max() < 0.3 * side
            # It touches the target: the end lies within its square.
            assert (held > -0.25 * side).all()
            assert (held < 1.25 * side).all()
            travelled = max(travelled, float(np.ptp(target.path.centre, axis=0).max() / side))
    assert travelled > 0.3


def test_a_limb_is_drawn(pairs: list[tuple[Scene, Scene]]) -> None:
    after = next(pair[1] for pair in pairs if limbs(pair[1]))
    number = limbs(after)[0]
    without = replace(
        after,
        objects=after.objects[:number] + after.objects[number + 1 :],
        target=after.target - (number < after.target),
    )
    assert np.abs(after.frame(0).astype(int) - without.frame(0)).max() > 20


def test_stretching_gives_all_objects_one_proportion(world: SceneWorld) -> None:
    factors = []
    for seed in range(12):
        before = make_scene(world, seed, "distractors")
        after = vary(before, world, STRETCHED)
        ratios = [
            new.path.scale / old.path.scale
            for new, old in zip(after.objects, before.objects, strict=True)
        ]
        assert all(np.allclose(ratio, ratios[0][0]) for ratio in ratios)
        width, height = ratios[0][0]
        assert width * height == pytest.approx(1.0)
        assert after.sentence == before.sentence
        factors.append(np.log(width / height))
    assert max(np.abs(factors)) <= STRETCH
    assert min(factors) < -0.2
    assert max(factors) > 0.2


def test_a_stretched_box_is_that_much_longer(world: SceneWorld) -> None:
    for seed in range(12):
        before = make_scene(world, seed)
        thing = before.objects[before.target]
        still = replace(
            before,
            objects=tuple(
                replace(
                    one,
                    path=replace(
                        one.path,
                        angle=np.zeros(len(before)),
                        centre=np.full((len(before), 2), [before.frame_size[0] / 2,
                                                          before.frame_size[1] / 2]),
                    ),
                    side=30.0,
                )
                for one in before.objects
            ),
            camera=np.repeat(np.eye(3)[None], len(before), axis=0),
        )  # fmt: skip
        after = vary(still, world, STRETCHED)
        factor = after.objects[after.target].path.scale[0] / thing.path.scale[0]
        for side, grown, by in zip(still.box(0)[2:], after.box(0)[2:], factor, strict=True):
            assert grown == pytest.approx(side * by, rel=1e-5)


def test_variation_is_a_share_and_repeats(world: SceneWorld) -> None:
    half = Variation(occluding_hand=0.5)
    once = [bool(limbs(vary(make_scene(world, seed), world, half))) for seed in range(40)]
    again = [bool(limbs(vary(make_scene(world, seed), world, half))) for seed in range(40)]
    assert once == again
    assert 8 < sum(once) < 32


def test_the_same_carried_scene_has_the_same_pixels(world: SceneWorld) -> None:
    first, second = (vary(make_scene(world, 5), world, CARRIED).frame(7) for _ in range(2))
    assert np.array_equal(first, second)


def test_training_pairs_are_varied_and_evaluation_videos_only_when_asked(
    world: SceneWorld, tmp_path: Path
) -> None:
    options = PairOptions(template_size=32, search_size=64)
    plain = ScenePairs(world, options, distractors=0.5)
    varied = ScenePairs(world, options, distractors=0.5, variation=CARRIED)
    different = [not np.array_equal(plain[n]["search"], varied[n]["search"]) for n in range(8)]
    assert sum(different) >= 5
    root = painted_root(tmp_path)
    assert not any(limbs(scene) for scene in scenes_videos(root, 4))
    assert any(limbs(scene) for scene in scenes_videos(root, 4, variation=CARRIED))
