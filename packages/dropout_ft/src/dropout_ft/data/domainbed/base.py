"""A data set of DomainBed's: a known folder below the data root, with known domains."""

from pathlib import Path
from typing import ClassVar

from dropout_ft.data.domains import DomainFolders
from dropout_ft.data.folder import subfolders
from dropout_ft.data.known import KnownSet
from dropout_ft.data.transforms import Library
from holdfast.data.roots import data_root
from holdfast.errors import DataError


class KnownDomainFolders(DomainFolders):
    """Base of the data sets that DomainBed's tables know.

    The same files give DomainBed's very indices, because domains, classes and pictures
    are listed in its order. A stray folder beside the domains would shift every index: it is an
    error here.

    Args:
        test_domains: names or positions of the domains left out of training.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``. The set's own folder may be
            given as well.
        batch_size: pictures from each training domain, on each rank; the paper uses 32.
        trial_seed: DomainBed's split seed. The paper's three repeats share 0; DomainBed's tables
            use one split for each repeat, so set it to the repeat there.
        holdout_fraction: share of each domain's ``out`` part.
        image_size: side in pixels; by default what the backbone's data config says.
        val_augment: augment the i.i.d. validation pictures, as the official code does; its
            per-trajectory ensembles profit from that.
        eval_pictures: evaluate at most this many pictures of each part of each domain during
            training, evenly spread; 0 evaluates all. Selection then is as uncertain as the sample.
        cached_side: decode every picture once and keep it, its shorter side shrunk to this many
            pixels, in a memory map that all runs share; 0 decodes anew.
        cached_views: see :class:`DomainFolders`.
        augmentation: see :class:`DomainFolders`.
        num_workers: loader processes on each rank.
        eval_batch_size: pictures in an evaluation batch.
    """

    known: ClassVar[KnownSet]

    def __init__(
        self,
        test_domains: list[str | int],
        root: str | None = None,
        batch_size: int = 32,
        trial_seed: int = 0,
        holdout_fraction: float = 0.2,
        image_size: int | None = None,
        val_augment: bool = True,
        eval_pictures: int = 0,
        cached_side: int = 0,
        cached_views: int = 0,
        augmentation: Library = "pillow",
        num_workers: int = 0,
        eval_batch_size: int = 128,
    ) -> None:
        super().__init__(
            root=str(set_folder(self.known, data_root(root))),
            test_domains=test_domains,
            batch_size=batch_size,
            trial_seed=trial_seed,
            holdout_fraction=holdout_fraction,
            image_size=image_size,
            val_augment=val_augment,
            eval_pictures=eval_pictures,
            cached_side=cached_side,
            cached_views=cached_views,
            augmentation=augmentation,
            num_workers=num_workers,
            eval_batch_size=eval_batch_size,
        )

    @property
    def domain_names(self) -> list[str]:
        """The domains, checked against the known ones.

        Raises:
            DataError: a domain is missing or a stray folder lies beside them.
        """
        check_domains(self.known, self.root)
        return super().domain_names


def set_folder(known: KnownSet, place: Path) -> Path:
    """Return the folder of the domains: ``place`` itself or the set's folder below it."""
    if (place / known.domains[0]).is_dir():
        return place
    for name in (known.folder, known.original):
        if name and (place / name).is_dir():
            return place / name
    return place / known.folder


def check_domains(known: KnownSet, folder: Path) -> None:
    """Refuse a folder whose sub-folders are not the set's domains.

    Raises:
        DataError: says what is missing, and which stray folder would shift DomainBed's indices.
    """
    if not folder.is_dir():
        raise DataError(
            f"{known.name} is not at {folder}: put its domains ({', '.join(known.domains)}) there, "
            "or give the data root with HOLDFAST_DATA or --data.init_args.root."
        )
    found = subfolders(folder)
    spelled = [known.also.get(name, name) for name in found]
    missing = [name for name in known.domains if name not in spelled]
    stray = [name for name in found if known.also.get(name, name) not in known.domains]
    if missing:
        raise DataError(f"{known.name} in {folder} lacks {', '.join(missing)}: unpack it again.")
    if stray:
        raise DataError(
            f"{folder} has the stray folder {stray[0]} beside {known.name}'s domains, which would "
            "shift DomainBed's numbering: move it away."
        )
