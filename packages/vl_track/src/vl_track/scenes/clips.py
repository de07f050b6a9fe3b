"""Annotated videos of Scenes for scoring trackers."""

from pathlib import Path

from vl_track.scenes.grammar import Split
from vl_track.scenes.make import Difficulty, make_scene
from vl_track.scenes.scene import Scene
from vl_track.scenes.variation import Variation, vary
from vl_track.scenes.world import SceneWorld


def scenes_videos(
    root: Path,
    count: int,
    *,
    split: Split = "test",
    difficulty: Difficulty = "standard",
    variation: Variation | None = None,
) -> list[Scene]:
    """Make the first ``count`` videos of a split, seeds 0 to ``count - 1``."""
    world = SceneWorld.open(root, split)
    scenes = (make_scene(world, seed, difficulty) for seed in range(count))
    return [vary(scene, world, variation or Variation()) for scene in scenes]
