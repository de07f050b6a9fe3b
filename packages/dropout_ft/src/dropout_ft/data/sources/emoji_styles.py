"""EmojiStyles as a leave-styles-out data set, with or without unseen concepts."""

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.folder import Domain
from dropout_ft.data.sources.base import Source
from dropout_ft.data.sources.emoji_drawing import dataset_folder, prepare
from holdfast.data.emoji.concepts import concepts, is_held_out
from holdfast.data.emoji.styles import STYLES
from holdfast.data.roots import data_root


class EmojiStyles(Source):
    """The same 768 things in 15 classes, drawn in five styles; prepared on first use.

    The styles are fluent_flat, fluent_high_contrast, noto, openmoji and twemoji. Two protocols:

    * ``held_out_concepts: 0`` (unseen style): train on all concepts in the other styles. The same
      dog drawn by other hands is then among the training images.
    * ``held_out_concepts: 0.2`` (unseen style and unseen concepts): a fifth of the concepts, chosen
      by code point, is kept out of training in every style, and only those are scored in the test
      style.

    Args:
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        held_out_concepts: fraction of concepts kept out of training and scored at test, in [0, 1).
    """

    def __init__(self, root: str | None = None, held_out_concepts: float = 0.0) -> None:
        self.data_root = data_root(root)
        super().__init__(str(dataset_folder(self.data_root)))
        self.held_out_concepts = held_out_concepts

    @property
    def class_names(self) -> list[str]:
        """The 15 classes; known before the images are there."""
        return sorted({concept.label for concept in concepts()})

    @property
    def domain_names(self) -> list[str]:
        """The five styles; known before the images are there."""
        return sorted(style.name for style in STYLES)

    def prepare(self) -> None:
        """Fetch and render the images unless they are there."""
        prepare(self.data_root)

    def training_mask(self, domain: Domain) -> NDArray[np.bool_]:
        """Leave the held-out concepts out of training."""
        return ~self._held_out(domain)

    def test_mask(self, domain: Domain) -> NDArray[np.bool_]:
        """Score held-out concepts only, if there are any."""
        return self._held_out(domain) if self.held_out_concepts else super().test_mask(domain)

    def _held_out(self, domain: Domain) -> NDArray[np.bool_]:
        return np.array([is_held_out(p.stem, self.held_out_concepts) for p in domain.paths])
