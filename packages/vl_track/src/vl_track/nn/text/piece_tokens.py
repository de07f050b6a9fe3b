"""BERT's word pieces. Nothing here imports torch."""

from functools import lru_cache

from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer

from vl_track.nn.text.tokenizers import SILENT, packaged_text, split_words

UNKNOWN = "[UNK]"
LEAST_LETTERS = 2
"""A word of several pieces of which none has so many letters is spelled, not understood."""


class WordPieceTokenizer:
    """BERT's lower-case word pieces: 30,522 of them, made for English.

    A word counts as not understood, and gives no pieces, where it has to be spelled in several
    pieces whose longest is a single letter or less than a third of the word, and where it is of
    another script.
    """

    def __init__(self) -> None:
        self.vocabulary = _vocabulary()
        self.size = len(self.vocabulary)
        self._model = WordPiece(self.vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=40)
        self._normalizer = BertNormalizer(lowercase=True, strip_accents=True)

    def ids(self, sentence: str) -> list[int]:
        """Return the ids of the pieces of the words that describe something."""
        return [piece for word in self.known(sentence) for piece in self._pieces(word)[0]]

    def unknown(self, sentence: str) -> list[str]:
        """Return the words that are not understood, without those that describe nothing."""
        return [word for word in _content(sentence) if not self._understands(word)]

    def known(self, sentence: str) -> list[str]:
        """Return the words that are understood, without those that describe nothing."""
        return [word for word in _content(sentence) if self._understands(word)]

    def _pieces(self, word: str) -> tuple[list[int], list[str]]:
        tokens = self._model.tokenize(self._normalizer.normalize_str(word))
        return [token.id for token in tokens], [token.value for token in tokens]

    def _understands(self, word: str) -> bool:
        _, pieces = self._pieces(word)
        if not pieces or UNKNOWN in pieces or not "".join(pieces).isascii():
            return False
        if len(pieces) == 1:
            return True
        longest = max(len(piece.removeprefix("##")) for piece in pieces)
        return longest >= max(LEAST_LETTERS, len(word) / 3)


def _content(sentence: str) -> list[str]:
    return [word for word in split_words(sentence) if word not in SILENT]


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, int]:
    lines = packaged_text("word_pieces.txt").splitlines()
    return {piece: number for number, piece in enumerate(lines)}
