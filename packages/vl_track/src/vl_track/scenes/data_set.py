"""Scenes as a data set like any other: tracked by ``benchmark``, scored by ``evaluate``."""

from functools import cached_property
from pathlib import Path

from holdfast.errors import DataError
from vl_track.data.sets.base import Split, VideoSet
from vl_track.data.truth import TrueSequence, truth_of
from vl_track.scenes.make import Difficulty, make_scene
from vl_track.scenes.scene import Scene
from vl_track.scenes.variation import Variation, vary
from vl_track.scenes.world import FRAMES, SceneWorld

COUNT = 40


class ScenesSet(VideoSet):
    """Procedural videos, named ``<split>-<difficulty>-<seed>``.

    Args:
        root: data root; drawings and photographs are looked for below it. It need not exist: then
            shapes and the photographs of scikit-image are all there is.
        split: which material they are made of.
        count: videos, seeds 0 to ``count - 1``.
        difficulty: ``standard`` or ``distractors``.
        variation: what is changed about each; nothing by default.
        cutouts: share of drawings that are photographs of things; none by default.
        frames: of each video.
    """

    splits: tuple[Split, ...] = ("train", "val", "test")
    needs_folder = False

    def __init__(
        self,
        root: Path,
        split: Split,
        count: int = COUNT,
        difficulty: Difficulty = "standard",
        variation: Variation | None = None,
        cutouts: float = 0.0,
        frames: int = FRAMES,
    ) -> None:
        self.cutouts, self.frames = cutouts, frames
        self.count, self.difficulty, self.variation = count, difficulty, variation or Variation()
        super().__init__(root, split)

    def list_names(self) -> list[str]:
        """Return the names of the videos, by seed."""
        return [f"{self.split}-{self.difficulty}-{seed}" for seed in range(self.count)]

    def read(self, name: str) -> Scene:
        """Make a video; the same name gives the same pixels."""
        seed = name.removeprefix(f"{self.split}-{self.difficulty}-")
        if not seed.isdigit():
            raise DataError(
                f"Scenes have no video '{name}': take {self.split}-{self.difficulty}-0."
            )
        return vary(make_scene(self.world, int(seed), self.difficulty), self.world, self.variation)

    def truth(self, name: str) -> TrueSequence:
        """Return the true boxes of a video."""
        return truth_of(self.read(name))

    @cached_property
    def world(self) -> SceneWorld:
        """The material."""
        return SceneWorld.open(self.root, self.split, cutout_share=self.cutouts, frames=self.frames)
