"""Scenes as a Lightning data module: pairs for training, pairs of other material to validate."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from holdfast.data.roots import data_root
from holdfast.runs.fingerprint import Fingerprint, fingerprint_named
from holdfast.seeding import SampleKey, fold_seed
from holdfast.training.datamodule import StepDataModule, seeded
from vl_track.data.pairs import PairOptions, make_pair
from vl_track.data.prompts import PROMPTS
from vl_track.data.samples import Sample, one_thread, to_sample
from vl_track.scenes.cutouts import prepare_cutouts, record_of
from vl_track.scenes.grammar import Split
from vl_track.scenes.make import Difficulty, make_scene
from vl_track.scenes.sprites import prepare_sprites
from vl_track.scenes.trajectories import read_trajectories, trajectory_files
from vl_track.scenes.variation import Variation, vary
from vl_track.scenes.world import SceneWorld


class ScenePairs(Dataset[Sample]):
    """Endless pairs: each seed makes up a scene and takes one pair from it.

    Args:
        world: material.
        options: how pairs are cut.
        distractors: fraction of scenes with two to four distractors of the target's class.
        fixed: draw by index alone, and go through the kinds of pair in turn (validation).
        variation: what is changed about how many scenes.
    """

    def __init__(
        self,
        world: SceneWorld,
        options: PairOptions,
        *,
        distractors: float,
        fixed: bool = False,
        variation: Variation | None = None,
    ) -> None:
        self.world, self.options, self.distractors, self.fixed = world, options, distractors, fixed
        self.variation = variation or Variation()

    def __getitem__(self, key: SampleKey | int) -> Sample:
        index, seed = seeded(key)
        if self.fixed:
            seed = fold_seed("pair", self.world.split, index)
        prompt = PROMPTS[index % 3] if self.fixed else None
        while True:
            generator = np.random.default_rng(seed)
            distractors = bool(generator.uniform() < self.distractors)
            difficulty: Difficulty = "distractors" if distractors else "standard"
            scene = make_scene(self.world, seed, difficulty)
            scene = vary(scene, self.world, self.variation)
            pair = make_pair(scene, self.options, generator, prompt=prompt)
            if pair is not None:
                break
            seed = fold_seed("again", seed)
        return to_sample(pair, self.options.mentions, index=index, distractors=distractors)


class Scenes(StepDataModule):
    """Procedural video with language; see docs/scenes.md.

    Args:
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        global_batch_size: pairs of an optimiser step, over all processes.
        samples_per_epoch: pairs that are called an epoch; configurations count schedules in it.
        pairs: how they are cut.
        distractors: fraction of scenes with distractors of the target's class.
        trajectories: folder or tar file of LaSOT annotations whose motion objects may follow.
        val_pairs: pairs of a validation.
        variation: what is changed about how many training scenes; validation and test stay as they
            are, so that their figures compare.
        cutouts: share of drawings in training scenes that are photographs of things
            (:mod:`vl_track.scenes.cutouts`); 0 is none.
        emoji: fetch and draw emoji; without them objects are shapes and photograph patches.
        num_workers: loader processes on each rank.
        eval_batch_size: pairs in an evaluation batch.
    """

    worker_init = staticmethod(one_thread)

    def __init__(
        self,
        root: str | None = None,
        global_batch_size: int = 32,
        samples_per_epoch: int = 60_000,
        pairs: PairOptions | None = None,
        distractors: float = 0.5,
        trajectories: str | None = None,
        val_pairs: int = 192,
        emoji: bool = True,
        num_workers: int = 0,
        eval_batch_size: int = 32,
        variation: Variation | None = None,
        cutouts: float = 0.0,
    ) -> None:
        super().__init__(num_workers=num_workers, eval_batch_size=eval_batch_size)
        self.root = data_root(root)
        self.global_batch_size = global_batch_size
        self.samples_per_epoch = samples_per_epoch
        self.pairs = pairs or PairOptions()
        self.distractors = distractors
        self.trajectories = trajectories
        self.val_pairs = val_pairs
        self.emoji = emoji
        self.variation = variation or Variation()
        self.cutouts = cutouts

    def prepare_data(self) -> None:
        """Draw the emoji and fetch the cut-outs unless they are there or not wanted."""
        if self.emoji:
            prepare_sprites(self.root)
        if self.cutouts > 0:
            prepare_cutouts(self.root)

    def fingerprint(self) -> Fingerprint:
        """Return the identity of what scenes are made of.

        It covers the drawings, the photographs, and, where they are used, the cut-outs with their
        names and the recorded motion.
        """
        self.prepare_data()
        worlds = [
            SceneWorld.open(self.root, "train", cutout_share=self.cutouts),
            SceneWorld.open(self.root, "val"),
        ]
        named = [
            (f"{world.split}/{path.parent.name}/{path.name}", path)
            for world in worlds
            for path in world.files()
        ]
        if self.cutouts > 0:
            record = record_of(self.root)
            named.append((f"train/{record.name}", record))
        if self.trajectories:
            read = Path(self.trajectories)
            named += [
                (f"trajectories/{path.relative_to(read if read.is_dir() else read.parent)}", path)
                for path in trajectory_files(read)
            ]
        return fingerprint_named(named)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return endless batches of fresh scenes."""
        tracks = read_trajectories(self.trajectories) if self.trajectories else []
        world = SceneWorld.open(self.root, "train", trajectories=tracks, cutout_share=self.cutouts)
        dataset = ScenePairs(
            world, self.pairs, distractors=self.distractors, variation=self.variation
        )
        return self.step_loader(dataset, [np.arange(1)], per_group=self.global_batch_size)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the validation pairs, the same every time."""
        return self._fixed("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """Return pairs of the test split."""
        return self._fixed("test")

    def _fixed(self, split: Split) -> DataLoader[Any]:
        world = SceneWorld.open(self.root, split)
        pairs = replace(self.pairs, absent=0.0)
        dataset = ScenePairs(world, pairs, distractors=self.distractors, fixed=True)
        return self.evaluation_loader(dataset, self.val_pairs)
