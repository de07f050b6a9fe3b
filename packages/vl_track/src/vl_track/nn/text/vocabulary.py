"""What a user should know about how a sentence is read. Nothing here imports torch."""

import warnings

from vl_track.nn.text.tokenizers import Tokenizer, clean


class Vocabulary:
    """A tokenizer with a longest sentence.

    Attributes:
        tokenizer: of sentences.
        max_tokens: longer sentences are cut, with a warning.
    """

    tokenizer: Tokenizer
    max_tokens: int
    _cut_before = False

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

    def ids(self, sentence: str) -> list[int]:
        """Return the ids of a cleaned sentence; warn, once, where it is cut."""
        ids = self.tokenizer.ids(sentence)
        if len(ids) > self.max_tokens and not self._cut_before:
            self._cut_before = True
            warnings.warn(
                f"A sentence has {len(ids)} tokens; only the first {self.max_tokens} are used: "
                f"'{sentence[:60]}...'",
                stacklevel=2,
            )
        return ids[: self.max_tokens]
