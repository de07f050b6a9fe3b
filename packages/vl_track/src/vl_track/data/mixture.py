"""Several data sets as one Lightning data module, sampled as the paper does (section 4.1).

A source is drawn by its ratio, a sequence of it uniformly, two frames of that by
:mod:`vl_track.data.sampling`. The pairs of a step are a function of the seed and the step.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler

from holdfast.errors import ConfigError, DataError
from holdfast.runs.fingerprint import Fingerprint
from holdfast.seeding import SampleKey, fold_seed
from holdfast.training.datamodule import StepDataModule, seeded
from holdfast.training.samplers import Split as BatchSplit
from vl_track.data.augment import Pair
from vl_track.data.file_video import FileVideo
from vl_track.data.fingerprint import fingerprint_sets
from vl_track.data.pairs import PairOptions, make_pair
from vl_track.data.samples import Sample, one_thread, to_sample
from vl_track.data.sets.base import FileSet, Split
from vl_track.data.sets.known import open_files

Text = Literal["own", "class", "none"]
ATTEMPTS = 100


@dataclass(kw_only=True)
class Source:
    """One data set of the mixture; the tricks of the author's README are switches here.

    Attributes:
        name: of the data set (`vl-track data list`).
        split: which part.
        ratio: how often it is drawn, relative to the others.
        until_step: from this step on it is not drawn (trick 1: 50 or 100 epochs for WebUAV-3M,
            TNL2K and OTB99-Lang); ``None`` keeps it to the end.
        text: the data set's ``own`` sentences, its ``class`` names instead (trick 3), or ``none``
            (trick 4 without the pseudo sentences of GOT-10k and COCO).
        folder: the set's own folder, where it does not lie below the data root.
        options: of the reader.
    """

    name: str
    split: Split = "train"
    ratio: float = 1.0
    until_step: int | None = None
    text: Text = "own"
    folder: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


class MixedPairs(Dataset[Sample]):
    """Endless pairs; the key's index is the step, its seed decides everything else.

    Args:
        sets: opened data sets.
        sources: how each is drawn, in the same order.
        options: how pairs are cut.
        skip_damaged: draw again where a sequence or an image is missing or damaged, as the release
            silently does; otherwise the first such file stops the run with its name.
        fixed: the index alone decides, whatever the seed (validation).
    """

    def __init__(
        self,
        sets: Sequence[FileSet],
        sources: Sequence[Source],
        options: PairOptions,
        *,
        skip_damaged: bool = False,
        fixed: bool = False,
    ) -> None:
        self.sets, self.sources, self.options = list(sets), list(sources), options
        self.skip_damaged, self.fixed = skip_damaged, fixed

    def __getitem__(self, key: SampleKey | int) -> Sample:
        index, seed = seeded(key)
        if self.fixed:
            seed = fold_seed("pair", index)
        chances = ratios_at(self.sources, 0 if self.fixed else index)
        generator = np.random.default_rng(seed)
        for _ in range(ATTEMPTS):
            number = int(generator.choice(len(self.sets), p=chances))
            pair = self._draw(self.sets[number], self.sources[number], generator)
            if pair is not None:
                return to_sample(pair, self.options.mentions, index=index)
        raise DataError(
            f"{ATTEMPTS} sequences in a row gave no pair of visible frames: run `vl-track data "
            f"verify` on {', '.join(source.name for source in self.sources)}."
        )

    def _draw(self, videos: FileSet, source: Source, generator: np.random.Generator) -> Pair | None:
        """Return a pair of a sequence drawn at random, if it has one."""
        try:
            video = reworded(videos[int(generator.integers(len(videos)))], source.text)
            video = replace(video, scaled=self.options.scaled_decoding)
            return make_pair(video, self.options, generator)
        except DataError:  # of the annotation or of an image
            if not self.skip_damaged:
                raise
            return None


def ratios_at(sources: Sequence[Source], step: int) -> np.ndarray:
    """Return the chance of each source at a step.

    Raises:
        ConfigError: nothing is left to draw from.
    """
    ratios = np.array(
        [s.ratio if s.until_step is None or step < s.until_step else 0.0 for s in sources]
    )
    if not (ratios >= 0).all() or ratios.sum() <= 0:
        raise ConfigError(f"No data set of the mixture has a positive ratio at step {step}.")
    return np.asarray(ratios / ratios.sum())


def reworded(video: FileVideo, text: Text) -> FileVideo:
    """Return the video with another sentence: its own, its class name, or none."""
    if text == "own" or (text == "class" and not video.class_name):
        return video
    return replace(video, sentence=video.class_name if text == "class" else "")


class _Steps(Sampler[list[SampleKey]]):
    """Batches whose keys carry the optimiser step as their index."""

    def __init__(self, global_batch_size: int, seed: int, split: BatchSplit, start: int) -> None:
        self.rows = range(global_batch_size)
        self.seed, self.split, self.start = seed, split, start
        split.size(global_batch_size)  # refuses what cannot be shared equally

    def __iter__(self) -> Iterator[list[SampleKey]]:
        step = self.start
        while True:
            for micro_batch in range(self.split.micro_batches):
                rows = self.rows[self.split.rows(len(self.rows), micro_batch)]
                yield [
                    SampleKey(step, fold_seed("mixture", self.seed, step, 0, row)) for row in rows
                ]
            step += 1


class Mixture(StepDataModule):
    """A mixture of data sets on disk.

    Args:
        sources: of training.
        validation: of validation pairs; the training sources where none is named.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        global_batch_size: pairs of an optimiser step, over all processes.
        samples_per_epoch: pairs that are called an epoch; configurations count schedules in it.
        pairs: how they are cut.
        val_pairs: pairs of a validation.
        skip_damaged: see :class:`MixedPairs`.
        num_workers: loader processes on each rank.
        eval_batch_size: pairs in an evaluation batch.
    """

    worker_init = staticmethod(one_thread)

    def __init__(
        self,
        sources: list[Source],
        validation: list[Source] | None = None,
        root: str | None = None,
        global_batch_size: int = 32,
        samples_per_epoch: int = 60_000,
        pairs: PairOptions | None = None,
        val_pairs: int = 192,
        skip_damaged: bool = False,
        num_workers: int = 0,
        eval_batch_size: int = 32,
    ) -> None:
        super().__init__(num_workers=num_workers, eval_batch_size=eval_batch_size)
        if not sources:
            raise ConfigError("A mixture needs at least one data set in `sources`.")
        self.sources, self.validation = sources, validation or sources
        self.root, self.global_batch_size = root, global_batch_size
        self.samples_per_epoch = samples_per_epoch
        self.pairs = pairs or PairOptions()
        self.val_pairs = val_pairs
        self.skip_damaged = skip_damaged
        self._sets: dict[str, list[FileSet]] = {}

    def inputs(self) -> list[Path]:
        """Return the folders that are read and must not be written into."""
        return [one.root for one in (*self._training(), *self._validating())]

    def fingerprint(self) -> Fingerprint:
        """Return the identity of every data set and split, from the indexes."""
        sources = (*self.sources, *self.validation)
        opened = (*self._training(), *self._validating())
        return fingerprint_sets(
            {
                f"{source.name} {source.split}": one
                for source, one in zip(sources, opened, strict=True)
            }
        )

    def setup(self, stage: str) -> None:
        """Open the sets and their indexes, so that a missing set is named before anything runs."""
        self._training()
        self._validating()

    def train_dataloader(self) -> DataLoader[Any]:
        """Return endless batches."""
        start, split = self.position()
        steps = _Steps(self.global_batch_size, self.seed, split, start)
        return self.batch_loader(self._pairs(self._training(), self.sources), steps)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the same pairs every time."""
        dataset = self._pairs(self._validating(), self.validation, fixed=True)
        return self.evaluation_loader(dataset, self.val_pairs)

    def test_dataloader(self) -> DataLoader[Any]:
        """Return the validation pairs: benchmarks are scored by whole videos, not by pairs."""
        return self.val_dataloader()

    def _training(self) -> list[FileSet]:
        return self._opened("training", self.sources)

    def _validating(self) -> list[FileSet]:
        return self._opened("validation", self.validation)

    def _opened(self, what: str, sources: Sequence[Source]) -> list[FileSet]:
        if what not in self._sets:
            self._sets[what] = self._open(sources)
        return self._sets[what]

    def _open(self, sources: Sequence[Source]) -> list[FileSet]:
        """Open the sets and map their indexes."""
        opened = []
        for one in sources:
            found = open_files(
                one.name, one.split, root=self.root, folder=one.folder, **one.options
            )
            found.prepare()
            if one.text != "none":
                sys.stderr.write("".join(f"note: {fault}\n" for fault in found.faults()))
            opened.append(found)
        return opened

    def _pairs(
        self, sets: Sequence[FileSet], sources: Sequence[Source], *, fixed: bool = False
    ) -> MixedPairs:
        # The IoU that chooses checkpoints is of pairs that show the object, as with Scenes.
        options = replace(self.pairs, absent=0.0) if fixed else self.pairs
        return MixedPairs(sets, sources, options, skip_damaged=self.skip_damaged, fixed=fixed)
