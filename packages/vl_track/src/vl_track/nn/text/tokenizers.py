"""Turning sentences into token ids."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from holdfast.errors import ConfigError

# Words that carry nothing a picture shows; a word vocabulary passes over them in silence.
_SILENT = """
a an the this that these those it its is are of to in on at and with please find follow track watch
look for keep your eyes over there here object thing one me my i want you
"""
SILENT = frozenset(_SILENT.split())


class Tokenizer(Protocol):
    """Sentence to ids; ``size`` ids exist."""

    size: int

    def ids(self, sentence: str) -> list[int]:
        """Return the ids of one cleaned sentence."""

    def unknown(self, sentence: str) -> list[str]:
        """Return the words that ids do not represent."""


class WordTokenizer:
    """One id a word, from a list of words.

    Args:
        words: the vocabulary; ids count from 0 in its order.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(dict.fromkeys(words))
        self.size = len(self.words)
        self._id = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def read(cls, path: str | Path) -> "WordTokenizer":
        """Read a vocabulary file, one word a line."""
        try:
            return cls(Path(path).read_text(encoding="utf-8").split())
        except OSError as error:
            raise ConfigError(
                f"The vocabulary {path} cannot be read ({error.strerror})."
            ) from error

    def ids(self, sentence: str) -> list[int]:
        """Return the ids of the words it knows."""
        return [self._id[word] for word in split_words(sentence) if word in self._id]

    def unknown(self, sentence: str) -> list[str]:
        """Return words outside the vocabulary that might have mattered."""
        words = split_words(sentence)
        return [word for word in words if word not in self._id and word not in SILENT]


class ClipTokenizer:
    """open_clip's byte-pair encoding (49,408 ids), without start and end marks."""

    def __init__(self) -> None:
        from open_clip.tokenizer import SimpleTokenizer  # noqa: PLC0415  (slow to import)

        self._bpe = SimpleTokenizer()
        self.size = int(self._bpe.vocab_size)

    def ids(self, sentence: str) -> list[int]:
        """Return byte-pair ids."""
        return [int(number) for number in self._bpe.encode(sentence)]

    def unknown(self, sentence: str) -> list[str]:
        """Byte pairs represent everything."""
        return []


def split_words(sentence: str) -> list[str]:
    """Return the lower-case words of a sentence."""
    return re.findall(r"[a-z]+", sentence.lower())
