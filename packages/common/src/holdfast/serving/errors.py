"""What a page answers when something cannot be done: one sentence, without the server's paths."""

import re
from pathlib import Path

from holdfast.errors import HoldfastError

UNUSABLE = 422


class PageError(HoldfastError):
    """A request that cannot be answered.

    Args:
        status: of HTTP, from 400 to 599.
        sentence: for the visitor.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def status_of(error: HoldfastError) -> int:
    """Return the HTTP status of an error."""
    return error.status if isinstance(error, PageError) else UNUSABLE


def without_paths(sentence: str, folder: Path) -> str:
    """Return a sentence in which files below a folder of the server are called "the file".

    Args:
        sentence: of an error.
        folder: where the page keeps what visitors sent.
    """
    return re.sub(re.escape(str(folder)) + r"[^\s'\":,;()]*", "the file", sentence)
