"""From sentences to token ids. Nothing here imports torch."""

import re
import unicodedata
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from holdfast.errors import ConfigError

# Words that describe nothing an image shows; a word vocabulary need not know them.
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

    def known(self, sentence: str) -> list[str]:
        """Return the words that ids represent."""


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
        """Return the words outside the vocabulary, without those that describe nothing."""
        words = split_words(sentence)
        return [word for word in words if word not in self._id and word not in SILENT]

    def known(self, sentence: str) -> list[str]:
        """Return the words of the vocabulary, without those that describe nothing."""
        words = split_words(sentence)
        return [word for word in words if word in self._id and word not in SILENT]


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
        """Return nothing: byte pairs represent everything."""
        return []

    def known(self, sentence: str) -> list[str]:
        """Return all words."""
        return split_words(sentence)


def split_words(sentence: str) -> list[str]:
    """Return the lower-case words of a sentence in any script; numbers and symbols are words too.

    Letters, digits and symbols are split from each other, punctuation is dropped. Combining marks
    belong to their letter, so that accents and Indic vowel signs do not cut a word.
    """
    lower = unicodedata.normalize("NFC", sentence).lower()
    if lower.isascii():
        return re.findall(r"[a-z]+|[0-9]+", lower)
    words: list[str] = []
    before = ""
    for character in lower:
        kind = _kind(character)
        if kind == "M" and before in {"L", "S"}:
            kind = before
        if kind == before and kind in {"L", "N"}:
            words[-1] += character
        elif kind in {"L", "N", "S"}:
            words.append(character)
        before = kind
    return words


def _kind(character: str) -> str:
    """Return ``L`` letter, ``N`` digit, ``M`` mark, ``S`` emoji and other symbol, or ``P``."""
    category = unicodedata.category(character)
    if category == "So":
        return "S"
    return category[0] if category[0] in "LNM" else "P"


def clean(sentence: str | None) -> str:
    """Lower-case, drop full stops and collapse blanks, as the release reads ``nlp.txt``."""
    return " ".join((sentence or "").replace(".", " ").lower().split())


def tokenizer_of(vocabulary: str) -> Tokenizer:
    """Return the tokenizer of a vocabulary: ``scenes``, ``clip``, or a file with one word a line.

    Raises:
        ConfigError: the file cannot be read.
    """
    if vocabulary == "scenes":
        # A file and not the grammar itself: ids must never change under trained weights.
        return WordTokenizer(packaged_text("scenes_words.txt").split())
    if vocabulary == "clip":
        return ClipTokenizer()
    return WordTokenizer.read(vocabulary)


def packaged_text(name: str) -> str:
    """Return a file of words that comes with the package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
