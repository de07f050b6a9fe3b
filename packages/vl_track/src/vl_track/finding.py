"""What a tracker needs of its network, whatever computes it. Nothing here imports torch.

Arrays are numpy's, so that the same tracker runs on PyTorch, ONNX Runtime and OpenVINO.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


class Conventions(NamedTuple):
    """How a model's boxes are read, where models differ; kept with the model.

    Attributes:
        unrounded_corner: boxes are mapped back as if the search window had not been moved to whole
            pixels, as the release does.
        cut_first_box: a given box is cut to the image, which the release does not do.
        small_boxes: boxes may be smaller than the tracker's ``margin`` if the first box is. In the
            release every box is at least 10 pixels wide and high.
        least_window: side of the smallest crop in pixels; 1 in the release.
        flow: boxes are refined by optical flow, unless the tracker's options say otherwise; the
            release does not.
    """

    unrounded_corner: bool = False
    cut_first_box: bool = True
    small_boxes: bool = True
    least_window: float = 10.0
    flow: bool = False


OFFICIAL = Conventions(
    unrounded_corner=True, cut_first_box=False, small_boxes=False, least_window=1.0
)
"""Of ``lib/test/tracker/ostrack.py`` in OSTrack and All-in-One."""


class Sentence(NamedTuple):
    """Encoded sentences.

    Attributes:
        vectors: float32 (B, C).
        present: bool (B,); false where there was no sentence, whose vector is to be ignored.
    """

    vectors: Floats
    present: NDArray[np.bool_]


class Found(NamedTuple):
    """The best box of each search crop.

    Attributes:
        boxes: (B, 4), centre x, centre y, width, height as fractions of the crop.
        scores: (B,), the head's probability of the box, in (0, 1), without the prior.
        present: (B,), probability that the object is in the crop; ``None`` from networks that do
            not say it.
        cells: (B, F * F, 1 + M), row by row: the head's probability of each cell, and the M
            channels of the match: with the template's target, with what surrounds it, and with the
            sentence, as far as the network has them; ``None`` where the head has no scores of
            cells.
    """

    boxes: Floats
    scores: Floats
    present: Floats | None = None
    cells: Floats | None = None


class Words(Protocol):
    """What a text encoder says about sentences."""

    def remarks(self, sentence: str) -> list[str]:
        """Return what a user should know about how a sentence is read; empty if all is well."""

    def knows(self, sentence: str) -> bool:
        """Tell whether a sentence says anything to the encoder, so that it can name an object."""


class Network(Protocol):
    """A network as the tracker sees it: sizes, sentences, and the best box of a crop.

    Attributes:
        template_factor: side of the template crop over the target's side.
        search_factor: side of the search crop over the target's side.
        conventions: how boxes are read.
    """

    template_factor: float
    search_factor: float
    conventions: Conventions

    @property
    def text(self) -> Words:
        """Return what knows the words of a sentence."""

    @property
    def template_size(self) -> int:
        """Return the side of a template crop in pixels."""

    @property
    def search_size(self) -> int:
        """Return the side of a search crop in pixels."""

    @property
    def search_grid(self) -> int:
        """Return F, cells on a side of the score map."""

    def ready(self, device: str) -> "Network":
        """Go to evaluation mode and to a device; returns itself.

        Raises:
            ConfigError: it cannot run there.
        """

    def read(self, sentence: str) -> Sentence:
        """Encode one sentence, possibly empty."""

    def find(
        self,
        templates: Bytes,
        searches: Bytes,
        sentence: Sentence,
        targets: Floats,
        priors: Floats | None = None,
    ) -> Found:
        """Find the template's object in search crops.

        Args:
            templates: RGB uint8 (B, 3, h, w); zeros where a sentence alone is the prompt.
            searches: RGB uint8 (B, 3, H, W).
            sentence: one for each crop.
            targets: (B, 4), x, y, width, height of the object as fractions of the template, zeros
                where there is no template.
            priors: (B, F, F), multiplies the scores of the cells before the best is chosen.
        """


def repeated(array: NDArray[Any], count: int) -> NDArray[Any]:
    """Return a batch of one as a batch of ``count``, without copying."""
    return array if count == 1 else np.broadcast_to(array, (count, *array.shape[1:]))
