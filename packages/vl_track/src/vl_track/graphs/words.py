"""Text encoders in numpy: what :mod:`vl_track.nn.text` computes, for a graph's tracker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import safe_open

from vl_track.finding import Floats, Sentence, Words
from vl_track.nn.text.tokenizers import WordTokenizer, clean
from vl_track.nn.text.vocabulary import Vocabulary

HEADS = 4
"""Of :class:`vl_track.nn.text.WordPieceText`."""


class Reader(Words, Protocol):
    """A text encoder as a graph's tracker needs it."""

    def read(self, sentence: str) -> Sentence:
        """Encode one sentence, possibly empty."""


class Tensors:
    """The text encoder's weights, read from the safetensors of a folder when they are asked for.

    Args:
        folder: with safetensors.
    """

    def __init__(self, folder: Path) -> None:
        self._files: list[Any] = [  # whose methods have no types
            safe_open(file, framework="numpy") for file in sorted(folder.glob("*.safetensors"))
        ]
        self._place = {name: file for file in self._files for name in file.keys()}  # noqa: SIM118

    def rows(self, name: str, ids: list[int]) -> Floats:
        """Return some rows of a matrix, in float32."""
        part = self._place[f"text.{name}"].get_slice(f"text.{name}")
        rows = [part[number : number + 1] for number in ids]
        return np.concatenate(rows).astype(np.float32)

    def whole(self, name: str) -> Floats:
        """Return a tensor in float32."""
        return np.asarray(self._place[f"text.{name}"].get_tensor(f"text.{name}"), np.float32)


class NoWords:
    """Vision only; see :class:`vl_track.nn.text.NoText`."""

    def remarks(self, sentence: str) -> list[str]:
        """Return nothing."""
        return []

    def knows(self, sentence: str) -> bool:
        """Return false."""
        return False

    def read(self, sentence: str) -> Sentence:
        """Return zeros, marked absent."""
        return Sentence(np.zeros((1, 1), np.float32), np.zeros(1, np.bool_))


class ConstantWords(NoWords):
    """The same vector for every sentence; see :class:`vl_track.nn.text.OfficialText`."""

    def __init__(self, tensors: Tensors, said: int, silent: int, epsilon: float) -> None:
        first = [
            tensors.rows(f"{name}_embeddings.weight", [0]) for name in ("position", "token_type")
        ]
        weight, bias = tensors.whole("norm.weight"), tensors.whole("norm.bias")
        self._vectors = [
            normalised(
                tensors.rows("word_embeddings.weight", [number]) + first[0] + first[1],
                weight, bias, epsilon,
            )
            for number in (said, silent)
        ]  # fmt: skip

    def read(self, sentence: str) -> Sentence:
        """Return the constant, which counts as present."""
        return Sentence(self._vectors[0 if clean(sentence) else 1], np.ones(1, np.bool_))


class TokenWords(Vocabulary):
    """Mean of the embeddings of a sentence's words; see :class:`vl_track.nn.text.TokenText`."""

    def __init__(self, tensors: Tensors, words: list[str], max_tokens: int, features: int) -> None:
        self.tokenizer, self.max_tokens = WordTokenizer(words), max_tokens
        self._tensors, self._features = tensors, features

    def read(self, sentence: str) -> Sentence:
        """Encode one sentence."""
        cleaned = clean(sentence)
        ids = self.ids(cleaned)
        vector = np.zeros((1, self._features), np.float32)
        if ids:
            vector = self._tensors.rows("embedding.weight", ids).mean(axis=0, keepdims=True)
        return Sentence(vector, np.array([bool(cleaned)]))


class PieceWords(Vocabulary):
    """Word pieces and one attention layer; see :class:`vl_track.nn.text.WordPieceText`."""

    def __init__(self, tensors: Tensors, max_tokens: int) -> None:
        from vl_track.nn.text.piece_tokens import WordPieceTokenizer  # noqa: PLC0415  (its package)

        self.tokenizer, self.max_tokens = WordPieceTokenizer(), max_tokens
        self._tensors = tensors
        names = ("project", "norm", "qkv", "out")
        self._layer = {
            name: (tensors.whole(f"{name}.weight"), tensors.whole(f"{name}.bias")) for name in names
        }
        self._scale, self._places = tensors.whole("scale_V"), tensors.whole("places")

    def read(self, sentence: str) -> Sentence:
        """Encode one sentence."""
        cleaned = clean(sentence)
        ids = self.ids(cleaned)
        vector = np.zeros((1, len(self._layer["project"][1])), np.float32)
        if ids:
            pieces = self._tensors.rows("pieces_VD", ids) * self._scale[ids][:, None]
            tokens = self._linear("project", pieces)
            vector = (tokens + self._ordered(tokens)).mean(axis=0, keepdims=True)
        return Sentence(vector, np.array([bool(cleaned)]))

    def _linear(self, name: str, values: Floats) -> Floats:
        weight, bias = self._layer[name]
        found: Floats = values @ weight.T + bias
        return found

    def _ordered(self, tokens: Floats) -> Floats:
        """Return what attention among the tokens adds to each."""
        length, channels = tokens.shape
        placed = normalised(tokens, *self._layer["norm"], 1e-5) + self._places[:length]
        qkv = self._linear("qkv", placed).reshape(length, 3, HEADS, channels // HEADS)
        query, key, value = qkv.transpose(1, 2, 0, 3)
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(channels // HEADS))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (weights / weights.sum(axis=-1, keepdims=True)) @ value
        return self._linear("out", mixed.transpose(1, 0, 2).reshape(length, channels))


def normalised(values: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    """Return a layer normalisation over the last axis."""
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(epsilon))
    found: Floats = centred / spread * weight + bias
    return found


def words_of(folder: Path, text: dict[str, Any]) -> Reader:
    """Return the text encoder that a description names.

    Args:
        folder: with its weights.
        text: its kind and options.
    """
    options = dict(text)
    kind = options.pop("kind")
    return _KINDS[kind](Tensors(folder), **options)


_KINDS: dict[str, Callable[..., Reader]] = {
    "none": lambda _: NoWords(),
    "constant": ConstantWords,
    "words": TokenWords,
    "pieces": PieceWords,
}
