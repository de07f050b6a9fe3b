"""A text encoder of any vocabulary: word pieces with vectors of a sentence encoder."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vl_track.nn.text.piece_tokens import WordPieceTokenizer
from vl_track.nn.text.tokenized import TokenizedText

PIECE = 256
"""Size of a piece's vector."""
HEADS = 4


class WordPieceText(TokenizedText):
    """Mean of the pieces' vectors after a projection and one layer that knows their order.

    The table of vectors is kept in 8 bits (7.8 MB) and not trained: words that training never saw
    lie where the words of like meaning lie. ``tools/give_words.py`` makes it of a sentence encoder;
    a fresh encoder has random vectors.

    Args:
        num_features: C.
        max_tokens: longer sentences are cut, with a warning.
    """

    pieces_VD: Tensor
    scale_V: Tensor

    def __init__(self, num_features: int = 256, max_tokens: int = 40) -> None:
        super().__init__()
        self.num_features, self.max_tokens = num_features, max_tokens
        self.tokenizer = WordPieceTokenizer()
        generator = torch.Generator().manual_seed(0)
        size = (self.tokenizer.size, PIECE)
        random = torch.randint(-127, 128, size, dtype=torch.int8, generator=generator)
        self.register_buffer("pieces_VD", random)
        self.register_buffer("scale_V", torch.full((size[0],), 1 / (73.3 * math.sqrt(PIECE))))
        self.project = nn.Linear(PIECE, num_features)
        self.norm = nn.LayerNorm(num_features)
        self.places = nn.Parameter(torch.zeros(max_tokens, num_features))
        nn.init.normal_(self.places, std=0.02)
        self.qkv = nn.Linear(num_features, 3 * num_features)
        self.out = nn.Linear(num_features, num_features)
        # The layer starts without effect: the mean of the projected vectors is a good start.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def encode(self, sentences: list[str]) -> Tensor:
        """Return one vector (B, C) for each sentence; zeros where nothing is understood."""
        return self.vectors(*self._batch([self.ids(sentence) for sentence in sentences]))

    def vectors(self, ids: Tensor, there: Tensor) -> Tensor:
        """Return one vector (B, C) for each row of pieces.

        Args:
            ids: int64 (B, L), filled up with any id.
            there: bool (B, L).
        """
        vectors = self.pieces_VD[ids].float() * self.scale_V[ids].float()[..., None]
        tokens = self.project(vectors.to(self.project.weight.dtype))
        tokens = tokens + self._ordered(tokens, there)
        weight = there[..., None].to(tokens.dtype)
        mean: Tensor = (tokens * weight).sum(1) / weight.sum(1).clamp_min(1)
        return mean

    def _batch(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return ids (B, L) filled up with 0, and which of them are there: bool (B, L)."""
        longest = max(1, *(len(row) for row in rows)) if rows else 1
        device = self.scale_V.device
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=device)
        lengths = torch.tensor([len(row) for row in rows], device=device)
        there = torch.arange(longest, device=device)[None] < lengths[:, None]
        return ids.reshape(len(rows), longest), there

    def _ordered(self, tokens_BLC: Tensor, there_BL: Tensor) -> Tensor:
        """Return what attention among the tokens of a sentence adds to each."""
        batch, length, channels = tokens_BLC.shape
        placed = self.norm(tokens_BLC) + self.places[:length]
        qkv = self.qkv(placed).reshape(batch, length, 3, HEADS, channels // HEADS)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        # A sentence without a token would attend to nothing, which is no number: to its first.
        seen = there_BL.clone()
        seen[:, 0] = True
        scores = query @ key.transpose(-2, -1) / math.sqrt(channels // HEADS)
        scores = scores.masked_fill(~seen[:, None, None], -math.inf)
        mixed = (F.softmax(scores, dim=-1) @ value).transpose(1, 2).reshape(batch, length, channels)
        added: Tensor = self.out(mixed)
        return added
