"""Trainable token embeddings with mean pooling, which the release has as a comment."""

from typing import Literal

import torch
from torch import Tensor, nn

from vl_track.nn.text.tokenized import TokenizedText
from vl_track.nn.text.tokenizers import tokenizer_of

INITIAL_SCALE = 0.1
Vocabulary = Literal["scenes", "clip"]


class TokenText(TokenizedText):
    """Mean of the embeddings of a sentence's tokens.

    Args:
        vocabulary: ``scenes`` (words of the Scenes data set), ``clip`` (open_clip's byte pairs), or
            a file with one word a line.
        num_features: C.
        max_tokens: longer sentences are cut, with a warning (release: 40, where longer ones crash).
    """

    def __init__(
        self, vocabulary: Vocabulary | str = "clip", num_features: int = 768, max_tokens: int = 40
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.max_tokens = max_tokens
        self.tokenizer = tokenizer_of(vocabulary)
        self.embedding = nn.EmbeddingBag(self.tokenizer.size, num_features, mode="mean")
        nn.init.normal_(self.embedding.weight, std=INITIAL_SCALE)

    def encode(self, sentences: list[str]) -> Tensor:
        """Return the mean embedding (B, C) of each sentence's tokens."""
        ids = [self.ids(sentence) for sentence in sentences]
        device = self.embedding.weight.device
        flat = torch.tensor([i for row in ids for i in row], dtype=torch.long, device=device)
        lengths = torch.tensor([0, *(len(row) for row in ids)][:-1], device=device)
        vector: Tensor = self.embedding(flat, lengths.cumsum(0))
        return vector

    def vectors(self, ids_BL: Tensor, there_BL: Tensor) -> Tensor:
        """Return the mean embedding (B, C) of the tokens that are there, at least one of each row.

        Args:
            ids_BL: int64, filled up with any id.
            there_BL: bool.
        """
        weight = there_BL[..., None].to(self.embedding.weight.dtype)
        mean: Tensor = (self.embedding.weight[ids_BL] * weight).sum(1) / weight.sum(1)
        return mean
