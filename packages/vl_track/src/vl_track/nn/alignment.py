"""Multi-modal alignment: contrastive losses between and within the modalities (paper 3.3)."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather

from holdfast.seeding import fold_seed
from vl_track.nn.backbone import Patches
from vl_track.nn.text.base import TextFeatures

Pool = Literal["flatten", "mean"]


class AlignmentLosses(NamedTuple):
    """Scalars: cross-modal (vision against sentence) and intra-modal (search against template)."""

    cross: Tensor
    intra: Tensor


class Alignment(nn.Module):
    """Projections of both modalities into one space; they exist in training only.

    It reads patch embeddings before mixup, as the release does (``forward_features`` of
    All-in-One's ``lib/models/ostrack/vit_ce.py``).

    Args:
        features: C of the patch embeddings.
        text_features: C_t of the text vector.
        template_tokens: Z, number of template tokens.
        search_tokens: S.
        dim: of the common space (paper: 256).
        temperature: of the contrastive losses (paper: 0.5).
        pool: ``flatten`` projects all tokens at once as the release does (63 million weights for
            ViT-B); ``mean`` averages them first.
        same_sentence_negative: count pairs of identical sentences as negatives, as the release
            does; off by default, since they describe the same thing.
        across_ranks: take negatives from the batches of all ranks; the release takes those of one
            GPU.
    """

    def __init__(
        self,
        features: int,
        text_features: int,
        template_tokens: int,
        search_tokens: int,
        dim: int = 256,
        temperature: float = 0.5,
        pool: Pool = "flatten",
        same_sentence_negative: bool = False,
        across_ranks: bool = True,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.temperature = temperature
        self.same_sentence_negative = same_sentence_negative
        self.across_ranks = across_ranks
        every = pool == "flatten"
        self.template_proj = nn.Linear(features * (template_tokens if every else 1), dim)
        self.search_proj = nn.Linear(features * (search_tokens if every else 1), dim)
        self.text_proj = nn.Linear(text_features, dim)

    def forward(
        self, patches: Patches, text: TextFeatures, sentences: Sequence[str]
    ) -> AlignmentLosses:
        """Return both losses.

        Samples without a sentence take part in the intra-modal one only.
        """
        gather = _gather if self.across_ranks else _keep
        template = gather(self.template_proj(self._pooled(patches.template_BZC)))
        search = gather(self.search_proj(self._pooled(patches.search_BSC)))
        words = gather(self.text_proj(text.vector_BC))
        labels = gather(_labels(sentences, template.device))
        present = gather(text.present_B.to(torch.int64)).bool()
        each = torch.arange(len(labels), device=labels.device)
        shared = each if self.same_sentence_negative else labels
        intra = nt_xent(search, template, each, self.temperature)
        if int(present.sum()) < 2:
            return AlignmentLosses(words.sum() * 0, 0.5 * intra)
        cross = sum(
            nt_xent(view[present], words[present], shared[present], self.temperature)
            for view in (search, template)
        )
        return AlignmentLosses(0.25 * torch.as_tensor(cross), 0.5 * intra)

    def _pooled(self, tokens_BNC: Tensor) -> Tensor:
        return tokens_BNC.flatten(1) if self.pool == "flatten" else tokens_BNC.mean(dim=1)


def nt_xent(one_NC: Tensor, other_NC: Tensor, labels_N: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy over both views (SimCLR), symmetric.

    Row i of one view is positive with row i of the other; every other row of both views is a
    negative unless it has the same label.

    Args:
        one_NC: first view.
        other_NC: second view.
        labels_N: rows with equal labels are no negatives of each other.
        temperature: divides the cosines.

    Returns:
        Mean over the 2N rows.
    """
    count = len(one_NC)
    views = F.normalize(torch.cat([one_NC, other_NC]), dim=1)
    logits = views @ views.T / temperature
    both = torch.cat([labels_N, labels_N])
    positive = (torch.arange(2 * count, device=views.device) + count) % (2 * count)
    ignored = both[:, None] == both[None]
    ignored[torch.arange(2 * count), positive] = False
    return F.cross_entropy(logits.masked_fill(ignored, float("-inf")), positive)


def _labels(sentences: Sequence[str], device: torch.device) -> Tensor:
    return torch.tensor([fold_seed(sentence) for sentence in sentences], device=device)


def _keep(value: Tensor) -> Tensor:
    return value


def _gather(value: Tensor) -> Tensor:
    """Concatenate over ranks, with gradient where there is one."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return value
    if value.requires_grad:
        return torch.cat(list(all_gather(value.contiguous())))  # type: ignore[no-untyped-call]
    parts = [torch.empty_like(value) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, value.contiguous())
    return torch.cat(parts)
