"""Cells of CSV files that a spreadsheet shows and does not compute."""

from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Class and file names may come from strangers; ``=cmd|...`` in a cell would be run by some
    programs. An apostrophe in front makes text of it. Numbers stay as they are.

    Examples:
        >>> plain_cell("=1+1"), plain_cell("cat"), plain_cell("-0.5")
        ("'=1+1", 'cat', '-0.5')
    """
    if not text.startswith(_FORMULA) or _is_number(text):
        return text
    return f"'{text}"


def plain_cells(texts: Iterable[str]) -> list[str]:
    """Return :func:`plain_cell` of each text."""
    return [plain_cell(text) for text in texts]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
