"""Any folder ``<root>/<domain>/<class>/<image>``: train on some domains, test on the others."""

import hashlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dropout_ft.data.evaluation_table import EvaluationTable
from dropout_ft.data.feature_cache import FeatureCache
from dropout_ft.data.folder import Domain, class_names, domain_names, scan
from dropout_ft.data.picture_cache import PictureCache
from dropout_ft.data.pictures import read_rgb
from dropout_ft.data.splits import split_domain
from dropout_ft.data.transforms import (
    Library,
    Transform,
    apply_seeded,
    eval_transform,
    train_transform,
)
from dropout_ft.nn.classifier import Classifier
from holdfast.errors import ConfigError
from holdfast.seeding import SampleKey
from holdfast.training.datamodule import StepDataModule, seeded

Batch = dict[str, Tensor]


class Decoded(Protocol):
    """Pictures by number, from a cache or from shards."""

    def __getitem__(self, place: int) -> Image: ...


class PictureDataset(Dataset[Batch]):
    """Pictures with labels; the augmentation of a sample depends on its key's seed only.

    Each item has ``input`` uint8 (3, H, W), ``label`` int64, ``index`` int64 and ``domain`` int64.

    Args:
        paths: the files.
        labels: (N,) classes.
        transforms: of each picture.
        domains: (N,) position of each picture's domain.
        cached: pictures by number and, for each path, its place among them.
    """

    def __init__(
        self,
        paths: list[Path],
        labels: np.ndarray,
        transforms: list[Transform],
        domains: np.ndarray | None = None,
        cached: tuple[Decoded, np.ndarray] | None = None,
    ) -> None:
        self.paths = paths
        self.labels = labels
        self.transforms = transforms
        self.domains = np.zeros(len(paths), dtype=np.int64) if domains is None else domains
        self.cached = cached

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, key: SampleKey | int) -> Batch:
        index, seed = seeded(key)
        return {
            "input": apply_seeded(self.transforms[index], self._picture(index), seed),
            "label": torch.tensor(int(self.labels[index])),
            "index": torch.tensor(index),
            "domain": torch.tensor(int(self.domains[index])),
        }

    def _picture(self, index: int) -> Image:
        if self.cached is None:
            return read_rgb(self.paths[index])
        pictures, places = self.cached
        return pictures[int(places[index])]


class DomainFolders(StepDataModule):
    """Leave-domains-out classification on a folder of pictures, with DomainBed's protocol.

    Training draws ``batch_size`` pictures with replacement from the 80 % ``in`` part of each
    training domain at every step. Evaluation covers the 20 % ``out`` part of the training domains
    (i.i.d.) and all of the test domains (o.o.d.).

    Args:
        root: holds ``<domain>/<class>/<image>``.
        test_domains: names or positions of the domains left out of training; none trains on all,
            for a final model, and only the i.i.d. accuracy is measured.
        batch_size: pictures from each training domain, on each rank; the paper uses 32.
        trial_seed: DomainBed's split seed; independent of the run's seed.
        holdout_fraction: share of each domain's ``out`` part.
        image_size: side in pixels; by default what the backbone's data config says.
        val_augment: augment the i.i.d. validation pictures, as the official code does.
        allow_missing_classes: accept domains without some class.
        eval_pictures: evaluate at most this many pictures of each part of each domain, evenly
            spread over its split; 0 evaluates all. Selection is then as uncertain as the sample.
        cached_side: if positive, every picture is decoded once and kept, its shorter side shrunk to
            this many pixels, in a memory map that all runs share.
        cached_views: if positive, the frozen stages of the model are run once over this many
            augmented views of each picture, and training reads their activations.
        augmentation: ``pillow`` is torchvision's arithmetic, as DomainBed; ``opencv`` has the same
            distributions and other rounding, several times faster (docs/performance.md).
        num_workers: loader processes on each rank.
        eval_batch_size: pictures in an evaluation batch.
    """

    def __init__(
        self,
        root: str,
        test_domains: list[str | int],
        batch_size: int = 32,
        trial_seed: int = 0,
        holdout_fraction: float = 0.2,
        image_size: int | None = None,
        val_augment: bool = True,
        allow_missing_classes: bool = False,
        eval_pictures: int = 0,
        cached_side: int = 0,
        cached_views: int = 0,
        augmentation: Library = "pillow",
        num_workers: int = 0,
        eval_batch_size: int = 128,
    ) -> None:
        super().__init__(num_workers=num_workers, eval_batch_size=eval_batch_size)
        self.root = Path(root).expanduser()
        self.test_domains = test_domains
        self.batch_size = batch_size
        self.trial_seed = trial_seed
        self.holdout_fraction = holdout_fraction
        self.image_size = image_size
        self.val_augment = val_augment
        self.allow_missing_classes = allow_missing_classes
        self.eval_pictures = eval_pictures
        self.cached_side = cached_side
        self.cached_views = cached_views
        self.augmentation = augmentation
        # Set by evaluation.deferral.TestDomainsWhenBest.
        self.defer_test_domains = False
        self._table: EvaluationTable | None = None

    @property
    def class_names(self) -> list[str]:
        """The classes, in label order."""
        return class_names(self.root)

    @property
    def domain_names(self) -> list[str]:
        """The domains, in order."""
        return domain_names(self.root)

    @property
    def table(self) -> EvaluationTable:
        """What is evaluated; available after :meth:`setup`."""
        if self._table is None:
            raise RuntimeError("setup() has not run")
        return self._table

    def list_domains(self) -> list[Domain]:
        """Return every domain's pictures."""
        return scan(self.root, allow_missing_classes=self.allow_missing_classes)

    def training_mask(self, domain: Domain) -> np.ndarray:
        """Return (n,) bool: which pictures of a training domain may be used at all."""
        return np.ones(len(domain.paths), dtype=bool)

    def test_mask(self, domain: Domain) -> np.ndarray:
        """Return (n,) bool: which pictures of a test domain are scored."""
        return np.ones(len(domain.paths), dtype=bool)

    def test_positions(self) -> tuple[int, ...]:
        """Return the positions of the test domains.

        Raises:
            ConfigError: a name or position does not exist, or nothing is left for training.
        """
        names = self.domain_names
        positions = set()
        for chosen in self.test_domains:
            if chosen in names:
                positions.add(names.index(str(chosen)))
            elif str(chosen).isdigit() and int(chosen) < len(names):
                positions.add(int(chosen))
            else:
                raise ConfigError(
                    f"There is no domain '{chosen}' in {self.root}: choose from {', '.join(names)}."
                )
        if len(positions) == len(names):
            raise ConfigError("Every domain is left out: leave at least one for training.")
        return tuple(sorted(positions))

    def setup(self, stage: str) -> None:
        """Scan the folder, split it, and build data sets (and the feature cache if asked)."""
        if self._table is not None:
            return
        domains = self.list_domains()
        self._split(domains)
        model = self._classifier()
        size = self.image_size or model.backbone.preprocessing.size
        interpolation = model.backbone.preprocessing.interpolation
        augment = train_transform(size, interpolation, self.augmentation)
        plain = eval_transform(size, interpolation, self.augmentation)
        paths = [path for domain in domains for path in domain.paths]
        labels = np.concatenate([np.asarray(domain.labels) for domain in domains])
        sizes = [len(domain.paths) for domain in domains]
        numbers = np.repeat(np.arange(len(domains)), sizes)
        cached = self._decoded(paths)
        self._train_set: Dataset[Any] = PictureDataset(
            paths,
            labels,
            [augment] * len(paths),
            numbers,
            _places(cached, np.arange(len(paths))),
        )
        self._eval_set: Dataset[Any] = self._evaluation_set(plain, augment, cached)
        # Cached activations are in a memory map that all runs share already.
        looks = (size, interpolation, self.augmentation, self.cached_side)
        self._identity = None if self.cached_views else _identity(looks, paths)
        if self.cached_views:
            self._use_cache(model, paths, labels, numbers, augment, plain)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the endless training loader."""
        return self.step_loader(
            self._train_set, self._groups, per_group=self.batch_size, identity=self._identity
        )

    @property
    def always_evaluated(self) -> np.ndarray:
        """(N,) bool: the rows of :attr:`table` that :meth:`val_dataloader` covers."""
        tests = np.isin(self.table.domain, self.table.test_domains)
        return ~(tests & self.defer_test_domains)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the evaluation loader, in the order of :attr:`table`."""
        return self._evaluation_loader(self.always_evaluated)

    def test_domain_dataloader(self) -> DataLoader[Any]:
        """Return a loader of what :meth:`val_dataloader` leaves out."""
        return self._evaluation_loader(~self.always_evaluated)

    def test_dataloader(self) -> DataLoader[Any]:
        """Return the same loader: the table tells i.i.d. from o.o.d. rows."""
        return self.val_dataloader()

    def _evaluation_loader(self, rows: np.ndarray) -> DataLoader[Any]:
        return self.evaluation_loader(self._eval_set, len(self.table), rows=np.flatnonzero(rows))

    def _classifier(self) -> Classifier:
        module = self.trainer.lightning_module if self.trainer is not None else None
        model = getattr(module, "model", None)
        if not isinstance(model, Classifier):
            raise ConfigError("DomainFolders needs a dropout_ft model: use dropout_ft.FineTuning.")
        return model

    def _split(self, domains: list[Domain]) -> None:
        """Fill the training groups and the evaluation table."""
        tests = self.test_positions()
        self._groups: list[np.ndarray] = []
        rows: list[tuple[np.ndarray, int, bool]] = []
        self._offsets = np.cumsum([0, *(len(d.paths) for d in domains)])
        for position, domain in enumerate(domains):
            keep = self.test_mask(domain) if position in tests else self.training_mask(domain)
            kept = np.flatnonzero(keep)
            inside, outside = split_domain(
                len(kept),
                domain=position,
                trial_seed=self.trial_seed,
                holdout_fraction=self.holdout_fraction,
            )
            inside, outside = kept[inside], kept[outside]
            rows.append((self._spread(outside), position, True))
            if position in tests:
                rows.append((self._spread(inside), position, False))
            else:
                self._groups.append(inside + self._offsets[position])
        self._build_table(domains, rows, tests)

    def _build_table(
        self,
        domains: list[Domain],
        rows: list[tuple[np.ndarray, int, bool]],
        tests: tuple[int, ...],
    ) -> None:
        self._eval_rows = np.concatenate([part + self._offsets[d] for part, d, _ in rows])
        self._table = EvaluationTable(
            domain=np.concatenate([np.full(len(part), d) for part, d, _ in rows]),
            held_out=np.concatenate([np.full(len(part), out) for part, _, out in rows]),
            label=np.concatenate([np.asarray(domains[d].labels)[part] for part, d, _ in rows]),
            paths=tuple(domains[d].paths[i] for part, d, _ in rows for i in part),
            domain_names=tuple(domain.name for domain in domains),
            test_domains=tests,
            class_names=tuple(self.class_names),
        )

    def _spread(self, rows: np.ndarray) -> np.ndarray:
        """Return at most ``eval_pictures`` of the rows, evenly spread."""
        if not 0 < self.eval_pictures < len(rows):
            return rows
        chosen: np.ndarray = rows[
            np.linspace(0, len(rows) - 1, self.eval_pictures).round().astype(int)
        ]
        return chosen

    def _decoded(self, paths: list[Path]) -> Decoded | None:
        if not self.cached_side or self.cached_views:
            return None
        return PictureCache(self.root.parent / "cache", self.cached_side).build(paths, self.root)

    def _evaluation_set(
        self, plain: Transform, augment: Transform, cached: Decoded | None
    ) -> PictureDataset:
        iid = ~np.isin(self.table.domain, self.table.test_domains)
        transforms = [augment if self.val_augment and is_iid else plain for is_iid in iid]
        return PictureDataset(
            list(self.table.paths),
            self.table.label,
            transforms,
            self.table.domain,
            _places(cached, self._eval_rows),
        )

    def _use_cache(
        self,
        model: Classifier,
        paths: list[Path],
        labels: np.ndarray,
        domains: np.ndarray,
        augment: Transform,
        plain: Transform,
    ) -> None:
        if self.val_augment or not model.frozen_stages:
            raise ConfigError(
                "cached_views needs model.frozen_stages above 0 and data.init_args.val_augment "
                "false, because cached activations cannot be augmented anew."
            )
        cache = FeatureCache(self.root.parent / "cache", views=self.cached_views)
        activations = cache.build(model, paths, plain=plain, augment=augment, root=self.root)
        self._train_set = cache.training_set(activations, labels, domains)
        self._eval_set = cache.evaluation_set(activations, labels, self._eval_rows)


def _identity(looks: tuple[object, ...], paths: list[Path]) -> str:
    """Return what tells the samples of these files and settings from all others."""
    return hashlib.sha256(repr((looks, [str(path) for path in paths])).encode()).hexdigest()


def _places(cached: Decoded | None, rows: np.ndarray) -> tuple[Decoded, np.ndarray] | None:
    return None if cached is None else (cached, rows)
