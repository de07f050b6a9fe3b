"""Train on some domains of a source and test on the others, by DomainBed's protocol."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from dropout_ft.data.class_weights import ClassWeights, Weighed, class_weights, text_of
from dropout_ft.data.feature_cache import ActivationDataset, FeatureCache
from dropout_ft.data.folder import Domain
from dropout_ft.data.image_cache import ImageCache
from dropout_ft.data.image_paths import joined, paths_digest
from dropout_ft.data.images import ImageDataset
from dropout_ft.data.partition import Partition, partition
from dropout_ft.data.sources.base import Decoded, Source
from dropout_ft.data.sources.given import as_source
from dropout_ft.data.sources.shards import ShardedFolder
from dropout_ft.data.splits import held_out_count
from dropout_ft.data.table import EvaluationTable, Part
from dropout_ft.data.transforms import Library, Transform, eval_transform, train_transform
from dropout_ft.nn.backbones.base import Preprocessing
from dropout_ft.nn.classifier import Classifier
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError, DataError
from holdfast.runs.fingerprint import Fingerprint
from holdfast.training.datamodule import StepDataModule
from holdfast.training.samplers import WindowBatchSampler
from holdfast.training.shared_batches import shares_batches

CACHE = "cache"
"""Folder of caches, beside the folder of the images or below the user's data root."""


class DomainData(StepDataModule):
    """Leave-domains-out classification on a source of images, with DomainBed's protocol.

    Training draws ``global_batch_size`` images with replacement from the 80 % ``in`` part of each
    training domain at every step. Evaluation covers the 20 % ``out`` part of the training domains
    (i.i.d.) and all of the domains left out (o.o.d.).

    Args:
        source: where the images come from; text is a folder ``<domain>/<class>/<image>``,
            or a CSV with the columns ``path``, ``label`` and ``domain``.
        test_domains: names of the domains left out of training (or positions, where no domain's
            name is a number); none trains on all, for a final model, and only the i.i.d. accuracy
            is measured.
        global_batch_size: images from each training domain in an optimiser step, over all
            processes; the paper uses 32.
        split_seed: DomainBed's ``trial_seed``, which splits each domain; independent of the run's
            seed. The paper's repeats share 0; DomainBed's tables use one split for each repeat.
        holdout_fraction: fraction of each domain's ``out`` part, in (0, 1).
        class_weights: of the training loss: ``none``, ``balanced`` (the inverse of the frequency
            with which training draws a class), or a weight for each class by its name, of which
            the ratios count. Accuracies are never weighted.
        image_size: side in pixels; by default what the backbone's data config says.
        val_augment: augment the i.i.d. validation images, as the official code does; its
            per-trajectory ensembles profit from that.
        eval_images: evaluate at most this many images of each part of each domain, evenly spread
            over its split; 0 evaluates all. Selection is then as uncertain as the sample.
        cached_side: if positive, every image is decoded once and kept, its shorter side shrunk to
            this many pixels, in a memory map that all runs share.
        cached_views: if positive, the frozen stages of the model are run once over this many
            augmented views of each image, and training reads their activations.
        augmentation: ``opencv`` draws from DomainBed's distributions and rounds otherwise, by 1 or
            2 of 255 in each operation, at more than twice the speed; ``pillow`` is torchvision's
            arithmetic on Pillow, DomainBed's to the bit.
        evaluation: the same for what is evaluated without augmentation: ``pillow`` resizes as
            DomainBed to the bit, ``opencv`` within 1 of 255 at three times the speed.
        exif_rotation: turn images as their EXIF header says, as phones write it. DomainBed does
            not; what is trained with it is loaded with it.
        content_hash: whether the data's fingerprint covers the files' bytes; by default where all
            of them together are small.
        num_workers: loader processes on each rank.
        eval_batch_size: images in an evaluation batch.
    """

    def __init__(
        self,
        source: str | Source,
        test_domains: list[str] = [],  # noqa: B006  (copied below)
        global_batch_size: int = 32,
        split_seed: int = 0,
        holdout_fraction: float = 0.2,
        class_weights: ClassWeights = "none",
        image_size: int | None = None,
        val_augment: bool = True,
        eval_images: int = 0,
        cached_side: int = 0,
        cached_views: int = 0,
        augmentation: Library = "opencv",
        evaluation: Library = "pillow",
        exif_rotation: bool = False,
        content_hash: bool | None = None,
        num_workers: int = 0,
        eval_batch_size: int = 128,
    ) -> None:
        super().__init__(num_workers=num_workers, eval_batch_size=eval_batch_size)
        _check_counts(1, global_batch_size=global_batch_size, eval_batch_size=eval_batch_size)
        _check_counts(1, image_size=image_size)
        _check_counts(
            0, split_seed=split_seed, eval_images=eval_images, cached_side=cached_side,
            cached_views=cached_views, num_workers=num_workers,
        )  # fmt: skip
        if not 0 < holdout_fraction < 1:
            raise ValueError(
                f"data.holdout_fraction must be between 0 and 1, not {holdout_fraction}"
            )
        self.source = as_source(source)
        self.test_domains = [str(name) for name in test_domains]
        self.global_batch_size = global_batch_size
        self.split_seed = split_seed
        self.holdout_fraction = holdout_fraction
        self.class_weights = class_weights
        self.image_size = image_size
        self.val_augment = val_augment
        self.eval_images = eval_images
        self.cached_side = cached_side
        self.cached_views = cached_views
        self.augmentation: Library = augmentation
        self.evaluation: Library = evaluation
        self.exif_rotation = exif_rotation
        self.content_hash = content_hash
        # Set by training.deferral.TestDomainsWhenBest.
        self.defer_test_domains = False
        self._from_record = False
        self._network: Classifier | None = None
        self._partition: Partition | None = None
        self._train_set: Dataset[Any]

    @property
    def class_names(self) -> list[str]:
        """The classes, in label order."""
        return self.source.class_names

    @property
    def domain_names(self) -> list[str]:
        """The domains, in order."""
        return self.source.domain_names

    @property
    def table(self) -> EvaluationTable:
        """What is evaluated; available after :meth:`setup`."""
        return self._parts().table

    @property
    def always_evaluated(self) -> NDArray[np.bool_]:
        """(N,) bool: the rows of :attr:`table` that :meth:`val_dataloader` covers."""
        return ~(self.table.of_test & self.defer_test_domains)

    def use_network(self, network: Classifier) -> "DomainData":
        """Take image size, interpolation and frozen stages from a network; returns itself.

        The command line does it for every run. Without it the images are 224 pixels, or
        ``image_size``, resized bilinearly, and nothing can be cached behind frozen stages.
        """
        self._network = network
        return self

    def from_record(self) -> "DomainData":
        """Write nothing beside the images from now on; returns itself.

        Where they lie was read from a file that may come from anyone. Images that are absent are
        an error instead of being drawn or fetched, and new caches are written below the user's own
        data root.
        """
        self._from_record = True
        self.source.address = ""
        return self

    def left_out(self) -> tuple[int, ...]:
        """Return the positions of the domains left out.

        Raises:
            ConfigError: a domain does not exist, or nothing is left for training.
        """
        names = self.domain_names
        # Where names are numbers, a number is a name and never a position.
        numbered = any(name.lstrip("-").isdigit() for name in names)
        found = set()
        for chosen in self.test_domains:
            if chosen in names:
                found.add(names.index(chosen))
            elif not numbered and chosen.isdigit() and int(chosen) < len(names):
                found.add(int(chosen))
            else:
                raise ConfigError(
                    f"There is no domain '{chosen}' in {self.source.root}: choose from "
                    f"{', '.join(names)}.{hint(nearest_key(chosen, names))}"
                )
        if len(found) == len(names):
            raise ConfigError("Every domain is left out: leave at least one for training.")
        return tuple(sorted(found))

    def coordinates(self) -> dict[str, Any]:
        """Return what the data declares of a run, for ``run.json``."""
        names = self.domain_names
        return {
            "source": type(self.source).__name__,
            "left_out": [names[position] for position in self.left_out()],
            "split_seed": self.split_seed,
            "holdout_fraction": self.holdout_fraction,
            "image_size": self.image_size or self._preprocessing().size,
            "batch_size": self.global_batch_size,
            "class_weights": text_of(self.class_weights),
            "train_images": self._train_images(),
        }

    def _train_images(self) -> int:
        """Return how many images are trained on."""
        tests, count = self.left_out(), 0
        for position, domain in enumerate(self.source.domains()):
            if position not in tests:
                kept = int(np.count_nonzero(self.source.training_mask(domain)))
                count += kept - held_out_count(kept, self.holdout_fraction)
        return count

    def fingerprint(self) -> Fingerprint:
        """Return the identity of the images, fetching them first where that can be done."""
        self.prepare_data()
        return self.source.fingerprint(content=self.content_hash)

    def inputs(self) -> list[Path]:
        """Return what is read and must not be written into."""
        return self.source.inputs()

    def prepare_data(self) -> None:
        """Fetch or draw the images unless they are there.

        Raises:
            DataError: they are absent, and only a run's record says where they would be written.
        """
        if not self._from_record:
            self.source.prepare()
        elif not self.source.root.exists():
            raise DataError(
                f"The run's images are not at {self.source.root}, and nothing is written to a "
                "place that only a run's record names: bring them back, or train it again."
            )

    def setup(self, stage: str = "fit") -> None:
        """Scan the source, split it, and build data sets (and the feature cache if asked).

        Raises:
            DataError: a domain or one of its parts has no images.
        """
        if self._partition is not None:
            return
        domains = self.source.domains()
        self._partition = partition(
            domains,
            self.source,
            left_out=self.left_out(),
            split_seed=self.split_seed,
            holdout_fraction=self.holdout_fraction,
            eval_images=self.eval_images,
            class_names=self.class_names,
        )
        prep = self._preprocessing()
        size = self.image_size or prep.size
        augment = train_transform(size, prep.interpolation, self.augmentation)
        plain = eval_transform(size, prep.interpolation, self.evaluation)
        if self.cached_views:
            self._build_cached(domains, augment, plain)
        else:
            self._build(domains, augment, plain)
        weights = class_weights(
            self.class_weights, self._partition.labels, self._partition.groups, self.class_names
        )
        if weights is not None:
            self._train_set = Weighed(self._train_set, weights)
        looks = (
            size, prep.interpolation, self.augmentation, self.cached_side, self.exif_rotation,
            None if weights is None else weights.tobytes(),
        )  # fmt: skip
        # Cached activations are in a memory map that all runs share already.
        shares = shares_batches() and not self.cached_views
        self._identity = _identity(looks, domains) if shares else None

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the endless training loader."""
        groups = self._parts().groups
        chunks = self.source.chunks()
        if chunks is None or not isinstance(self.source, ShardedFolder):
            return self.step_loader(
                self._train_set, groups, per_group=self.global_batch_size, identity=self._identity
            )
        shards = [
            [group[chunks[group] == chunk] for chunk in np.unique(chunks[group])]
            for group in groups
        ]
        start, split = self.position()
        sampler = WindowBatchSampler(
            shards, per_group=self.global_batch_size, seed=self.seed, split=split, start_step=start,
            opened=self.source.open_shards, window=self.source.window,
        )  # fmt: skip
        return self.batch_loader(self._train_set, sampler, identity=self._identity)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the evaluation loader, in the order of :attr:`table`."""
        return self._evaluation_loader(self.always_evaluated)

    def test_domain_dataloader(self) -> DataLoader[Any]:
        """Return a loader of what :meth:`val_dataloader` leaves out."""
        return self._evaluation_loader(~self.always_evaluated)

    def test_dataloader(self) -> DataLoader[Any]:
        """Return the same loader: the batches tell i.i.d. from o.o.d. images."""
        return self.val_dataloader()

    def _evaluation_loader(self, rows: NDArray[np.bool_]) -> DataLoader[Any]:
        return self.evaluation_loader(self._eval_set, len(self.table), rows=np.flatnonzero(rows))

    def _parts(self) -> Partition:
        if self._partition is None:
            self.setup()  # in a notebook, the loaders may be asked for directly
        assert self._partition is not None
        return self._partition

    def _preprocessing(self) -> Preprocessing:
        if self._network is not None:
            return self._network.backbone.preprocessing
        return Preprocessing(mean=(0.0,) * 3, std=(1.0,) * 3, size=224, interpolation="bilinear")

    def _build(self, domains: list[Domain], augment: Transform, plain: Transform) -> None:
        paths = joined([domain.paths for domain in domains])
        parts = self._parts()
        table = parts.table
        decoded = self._decoded(domains)
        transforms = [
            augment if self.val_augment and not of_test else plain for of_test in table.of_test
        ]
        everything = np.arange(len(paths))
        self._train_set = ImageDataset(
            paths,
            parts.labels,
            [augment] * len(paths),
            parts.domains,
            np.full(len(paths), Part.TRAIN_IN, dtype=np.int64),
            None if decoded is None else (decoded, everything),
            exif_rotation=self.exif_rotation,
        )
        self._eval_set: Dataset[Any] = ImageDataset(
            table.paths,
            table.label,
            transforms,
            table.domain,
            table.part,
            None if decoded is None else (decoded, parts.rows),
            exif_rotation=self.exif_rotation,
        )

    def _decoded(self, domains: list[Domain]) -> Decoded | None:
        decoded = self.source.decoded(exif_rotation=self.exif_rotation)
        if decoded is not None or not self.cached_side:
            return decoded
        paths = joined([domain.paths for domain in domains])
        cache = ImageCache(
            self._beside(), self.cached_side, exif_rotation=self.exif_rotation, new=self._caches()
        )
        return cache.build(paths, self.source.root)

    def _beside(self) -> Path:
        return self.source.root.parent / CACHE

    def _caches(self) -> Path:
        """Return where new caches are written."""
        return data_root() / CACHE if self._from_record else self._beside()

    def _build_cached(self, domains: list[Domain], augment: Transform, plain: Transform) -> None:
        network = self._network
        if network is None or not network.frozen_stages or self.val_augment:
            raise ConfigError(
                "data.cached_views needs model.frozen_stages above 0 and data.val_augment false, "
                "because cached activations cannot be augmented anew."
            )
        paths = joined([domain.paths for domain in domains])
        root = self.source.root
        cache = FeatureCache(
            self._beside(), views=self.cached_views, exif_rotation=self.exif_rotation,
            new=self._caches(),
        )  # fmt: skip
        activations = cache.build(network, paths, plain=plain, augment=augment, root=root)
        parts = self._parts()
        table = parts.table
        everything = np.arange(len(paths))
        self._train_set = ActivationDataset(
            activations, everything, parts.labels, parts.domains,
            np.full(len(paths), Part.TRAIN_IN, dtype=np.int64), plain=False,
        )  # fmt: skip
        self._eval_set = ActivationDataset(
            activations, parts.rows, table.label, table.domain, table.part, plain=True
        )


def _identity(looks: tuple[object, ...], domains: list[Domain]) -> str:
    """Return what tells the samples of these files and settings from all others."""
    digest = hashlib.sha256(repr(looks).encode())
    for domain in domains:
        digest.update(paths_digest(domain.paths))
    return digest.hexdigest()


def _check_counts(least: int, **counts: int | None) -> None:
    for name, value in counts.items():
        if value is not None and value < least:
            raise ValueError(f"data.{name} must be at least {least}, not {value}")
