"""Trainable token embeddings with mean pooling, which the release has as a comment."""

from importlib.resources import files
from typing import Literal

import torch
from torch import Tensor, nn

from vl_track.nn.text.base import TextEncoder, clean
from vl_track.nn.text.tokenizers import ClipTokenizer, Tokenizer, WordTokenizer

INITIAL_SCALE = 0.1
Vocabulary = Literal["scenes", "clip"]


class TokenText(TextEncoder):
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
        self.tokenizer = _tokenizer(vocabulary)
        self.embedding = nn.EmbeddingBag(self.tokenizer.size, num_features, mode="mean")
        nn.init.normal_(self.embedding.weight, std=INITIAL_SCALE)

    def encode(self, sentences: list[str]) -> Tensor:
        """Return the mean embedding (B, C) of each sentence's tokens."""
        ids = [self._ids(sentence) for sentence in sentences]
        device = self.embedding.weight.device
        flat = torch.tensor([i for row in ids for i in row], dtype=torch.long, device=device)
        lengths = torch.tensor([0, *(len(row) for row in ids)][:-1], device=device)
        vector: Tensor = self.embedding(flat, lengths.cumsum(0))
        return vector

    def remarks(self, sentence: str) -> list[str]:
        """Name the words that are not in the vocabulary, and say if the end is cut off."""
        sentence = clean(sentence)
        unknown = self.tokenizer.unknown(sentence)
        count = len(self.tokenizer.ids(sentence))
        notes = []
        if unknown:
            words = ", ".join(f"'{word}'" for word in unknown)
            rest = ", so only the other words count" if self.knows(sentence) else ""
            notes.append(f"the model does not know {words}{rest}")
        if count > self.max_tokens:
            notes.append(f"the sentence has {count} tokens; the first {self.max_tokens} are used")
        return notes

    def knows(self, sentence: str) -> bool:
        """Tell whether a word of the sentence that describes something is in the vocabulary."""
        return bool(self.tokenizer.known(clean(sentence)))

    def _ids(self, sentence: str) -> list[int]:
        ids = self.tokenizer.ids(sentence)
        if len(ids) > self.max_tokens:
            self.warn_once(
                "long",
                f"A sentence has {len(ids)} tokens; only the first {self.max_tokens} are used: "
                f"'{sentence[:60]}...'",
            )
        return ids[: self.max_tokens]


def _tokenizer(vocabulary: str) -> Tokenizer:
    if vocabulary == "scenes":
        return WordTokenizer(_packaged("scenes_words.txt"))
    if vocabulary == "clip":
        return ClipTokenizer()
    return WordTokenizer.read(vocabulary)


def _packaged(name: str) -> list[str]:
    # A file and not the grammar itself: ids must never change under trained weights.
    return files(__package__).joinpath(name).read_text(encoding="utf-8").split()
