"""Annotated videos of Scenes for scoring trackers."""

from pathlib import Path

from vl_track.scenes.data_set import ScenesSet
from vl_track.scenes.grammar import Split
from vl_track.scenes.make import Difficulty
from vl_track.scenes.scene import Scene
from vl_track.scenes.variation import Variation


def scenes_videos(
    root: Path,
    count: int,
    *,
    split: Split = "test",
    difficulty: Difficulty = "standard",
    variation: Variation | None = None,
    cutouts: float = 0.0,
) -> list[Scene]:
    """Make the first ``count`` videos of a split, seeds 0 to ``count - 1``."""
    videos = ScenesSet(root, split, count, difficulty, variation, cutouts)
    return [videos.read(name) for name in videos.names]
