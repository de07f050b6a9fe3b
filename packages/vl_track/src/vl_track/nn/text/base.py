"""What every text encoder offers, and the one that encodes nothing."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vl_track.nn.text.tokenizers import clean


class TextFeatures(NamedTuple):
    """Encoded sentences.

    Attributes:
        vector_BC: one vector a sentence.
        present_B: bool; false where there was no sentence, whose vector is to be ignored.
    """

    vector_BC: Tensor
    present_B: Tensor


class TextEncoder(nn.Module):
    """Base: subclasses set ``num_features`` and implement :meth:`encode`.

    Attributes:
        num_features: C of the vectors.
    """

    num_features: int

    def __init__(self) -> None:
        super().__init__()
        self._warned: set[str] = set()

    def forward(self, sentences: Sequence[str]) -> TextFeatures:
        """Encode sentences; an empty or blank one is marked as absent."""
        cleaned = [clean(sentence) for sentence in sentences]
        present = [bool(sentence) for sentence in cleaned]
        vector = self.encode(cleaned)
        return TextFeatures(vector, torch.tensor(present, device=vector.device))

    def encode(self, sentences: list[str]) -> Tensor:
        """Map cleaned sentences to (B, C)."""
        raise NotImplementedError

    def remarks(self, sentence: str) -> list[str]:
        """Return what a user should know about how a sentence is read; empty if all is well."""
        return []

    def knows(self, sentence: str) -> bool:
        """Tell whether a sentence says anything to this encoder, so that it can name an object."""
        return bool(clean(sentence))

    def warn_once(self, kind: str, message: str) -> None:
        """Warn, the first time for each kind of message."""
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, stacklevel=2)


class NoText(TextEncoder):
    """Vision only: every sentence counts as absent."""

    nothing: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 1
        self.register_buffer("nothing", torch.zeros(1), persistent=False)

    def forward(self, sentences: Sequence[str]) -> TextFeatures:
        """Return zeros, marked absent."""
        count = len(sentences)
        zeros = self.nothing.new_zeros(count, 1)
        return TextFeatures(zeros, torch.zeros(count, dtype=torch.bool, device=zeros.device))

    def knows(self, sentence: str) -> bool:
        """Return false."""
        return False
