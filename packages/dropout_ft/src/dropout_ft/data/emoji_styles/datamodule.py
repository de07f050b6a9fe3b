"""EmojiStyles as a leave-styles-out data set, with or without unseen concepts."""

import numpy as np

from dropout_ft.data.domains import DomainFolders
from dropout_ft.data.emoji_styles.prepare import dataset_folder, prepare
from dropout_ft.data.folder import Domain
from holdfast.data.emoji.concepts import concepts, is_held_out
from holdfast.data.emoji.styles import STYLES
from holdfast.data.roots import data_root


class EmojiStyles(DomainFolders):
    """The same 768 things in 15 classes, drawn in five styles; prepared on first use.

    Two protocols:

    * ``held_out_concepts: 0`` (unseen style): train on all concepts in the other styles. The same
      dog drawn by other hands is then among the training pictures.
    * ``held_out_concepts: 0.2`` (unseen style and unseen concepts): a fifth of the concepts, chosen
      by code point, is kept out of training in every style, and only those are scored in the test
      style.

    Args:
        test_domains: styles left out: fluent_flat, fluent_high_contrast, noto, openmoji, twemoji.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        held_out_concepts: share of concepts kept out of training and scored at test.
        batch_size: pictures from each training style, on each rank.
        trial_seed: DomainBed's split seed.
        holdout_fraction: share of each style's i.i.d. validation part.
        image_size: side in pixels; by default what the backbone's data config says.
        val_augment: augment the i.i.d. validation pictures, as the official code does.
        cached_views: see :class:`DomainFolders`.
        num_workers: loader processes on each rank.
        eval_batch_size: pictures in an evaluation batch.
    """

    def __init__(
        self,
        test_domains: list[str | int],
        root: str | None = None,
        held_out_concepts: float = 0.0,
        batch_size: int = 32,
        trial_seed: int = 0,
        holdout_fraction: float = 0.2,
        image_size: int | None = None,
        val_augment: bool = True,
        cached_views: int = 0,
        num_workers: int = 0,
        eval_batch_size: int = 128,
    ) -> None:
        self.data_root = data_root(root)
        super().__init__(
            root=str(dataset_folder(self.data_root)),
            test_domains=test_domains,
            batch_size=batch_size,
            trial_seed=trial_seed,
            holdout_fraction=holdout_fraction,
            image_size=image_size,
            val_augment=val_augment,
            cached_views=cached_views,
            num_workers=num_workers,
            eval_batch_size=eval_batch_size,
        )
        self.held_out_concepts = held_out_concepts

    @property
    def class_names(self) -> list[str]:
        """The 15 classes; known before the pictures are there."""
        return sorted({concept.label for concept in concepts()})

    @property
    def domain_names(self) -> list[str]:
        """The five styles; known before the pictures are there."""
        return sorted(style.name for style in STYLES)

    def prepare_data(self) -> None:
        """Fetch and render the pictures unless they are there."""
        prepare(self.data_root)

    def training_mask(self, domain: Domain) -> np.ndarray:
        """Leave the held-out concepts out of training."""
        return ~self._held_out(domain)

    def test_mask(self, domain: Domain) -> np.ndarray:
        """Score held-out concepts only, if there are any."""
        return self._held_out(domain) if self.held_out_concepts else super().test_mask(domain)

    def _held_out(self, domain: Domain) -> np.ndarray:
        return np.array([is_held_out(p.stem, self.held_out_concepts) for p in domain.paths])
