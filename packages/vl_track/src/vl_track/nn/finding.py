"""A PyTorch network as the tracker sees it: numpy arrays in, numpy arrays out."""

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from vl_track.finding import Bytes, Conventions, Floats, Found, Sentence
from vl_track.nn.backbone import Backbone
from vl_track.nn.heads.base import Head, Maps, row_of
from vl_track.nn.text.base import TextEncoder, TextFeatures


class Finder(nn.Module):
    """Base of networks that a tracker runs; see :class:`vl_track.finding.Network`.

    Attributes:
        backbone: knows the sizes of the crops.
        text: encodes sentences.
        head: reads boxes off its maps.
    """

    backbone: Backbone
    text: TextEncoder
    head: Head
    template_factor: float
    search_factor: float
    conventions: Conventions

    @property
    def template_size(self) -> int:
        """Return the side of a template crop in pixels."""
        return self.backbone.template_size

    @property
    def search_size(self) -> int:
        """Return the side of a search crop in pixels."""
        return self.backbone.search_size

    @property
    def search_grid(self) -> int:
        """Return cells on a side of the score map."""
        return self.backbone.search_grid

    def ready(self, device: str = "cpu") -> Self:
        """Go to evaluation mode and to a device; returns itself."""
        self.eval()
        self.to(device)
        return self

    @torch.inference_mode()
    def read(self, sentence: str) -> Sentence:
        """Encode one sentence; see :meth:`vl_track.finding.Network.read`."""
        features: TextFeatures = self.text([sentence])
        return Sentence(_array(features.vector_BC), _array(features.present_B))

    @torch.inference_mode()
    def find(
        self,
        templates: Bytes,
        searches: Bytes,
        sentence: Sentence,
        targets: Floats,
        priors: Floats | None = None,
    ) -> Found:
        """Find the object in search crops; see :meth:`vl_track.finding.Network.find`."""
        given = (templates, searches, *sentence, targets)
        template, search, vector, there, target = (self._tensor(one) for one in given)
        output = self(template, search, TextFeatures(vector, there), target=target)
        boxes, scores = self._decode(output.maps, len(searches), priors)
        logits = output.presence
        present = None if logits is None else _array(logits.sigmoid())
        cells = cells_of(self.head, output.maps, output.matches_BSM)
        return Found(
            _array(boxes), _array(scores), present, None if cells is None else _array(cells)
        )

    def _decode(self, maps: Maps, count: int, priors: Floats | None) -> tuple[Tensor, Tensor]:
        if priors is None:
            return self.head.decode(maps)
        rows = [
            self.head.decode(row_of(maps, number), self._tensor(priors[number]))
            for number in range(count)
        ]
        return torch.cat([box for box, _ in rows]), torch.cat([score for _, score in rows])

    def _tensor(self, array: np.ndarray) -> Tensor:
        # Broadcast arrays are not writable, and torch warns about those.
        whole = array if array.flags.writeable else array.copy()
        return torch.from_numpy(np.ascontiguousarray(whole)).to(self._where)

    @property
    def _where(self) -> torch.device:
        return next(self.parameters()).device


def cells_of(head: Head, maps: Maps, matches_BSM: Tensor | None) -> Tensor | None:
    """Return the score and the matches of each cell; see :class:`vl_track.finding.Found`."""
    if not head.has_scores:
        return None
    scores = head.scores(maps)[..., None].float()
    return scores if matches_BSM is None else torch.cat([scores, matches_BSM.float()], dim=-1)


def _array(tensor: Tensor) -> Any:  # noqa: ANN401  (of the tensor's own type)
    found = tensor.detach().cpu()
    return (found.float() if found.is_floating_point() else found).numpy()
