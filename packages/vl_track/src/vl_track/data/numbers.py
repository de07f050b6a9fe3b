"""Text files of numbers, read fast and never wrongly: boxes, flags, times."""

import warnings

import numpy as np
import orjson
from numpy.typing import NDArray

from holdfast.errors import DataError

Floats = NDArray[np.float64]
_SEPARATORS = bytes.maketrans(b",;\t\r", b"    ")
_JSON_NUMBER = b"0123456789+-.eE \n"
_REGULAR = b"0123456789+-.eE,\n"
_NEWLINE, _BLANK, _COMMA = ord("\n"), ord(" "), ord(",")


def parse_rows(content: bytes, columns: int, source: str) -> Floats:
    """Read lines of a fixed count of numbers, separated by commas, tabs, semicolons or blanks.

    Args:
        content: of the file; blank lines are skipped.
        columns: numbers a line must have.
        source: the file's name, for messages.

    Returns:
        (rows, columns); ``nan`` and ``inf`` are read as such.

    Raises:
        DataError: a line has more or fewer numbers, or a word is no number; the line is named.
    """
    regular = _regular_rows(content, columns)
    if regular is not None:
        return regular
    text = content.removeprefix(b"\xef\xbb\xbf").translate(_SEPARATORS)
    counts, lines = _words_a_line(text)
    wrong = np.flatnonzero(counts != columns)
    if len(wrong):
        line, count = int(lines[wrong[0]]), int(counts[wrong[0]])
        raise DataError(
            f"Line {line} of {source} has {count} value{'s' if count != 1 else ''} where {columns} "
            "are due: repair the file, or make it again."
        )
    return _numbers(text, len(counts) * columns, source).reshape(-1, columns)


def parse_flags(content: bytes, source: str) -> NDArray[np.bool_]:
    """Read zeros and ones, one a line or all on one line.

    Raises:
        DataError: anything else is there.
    """
    values = parse_numbers(content, source)
    if not bool(np.isin(values, (0, 1)).all()):
        raise DataError(f"{source} must hold zeros and ones, and holds other numbers.")
    return np.asarray(values == 1)


def parse_numbers(content: bytes, source: str) -> Floats:
    """Read all numbers of a file, however they stand."""
    text = content.removeprefix(b"\xef\xbb\xbf").translate(_SEPARATORS)
    return _numbers(text, len(text.split()), source)


def _regular_rows(content: bytes, columns: int) -> Floats | None:
    """Read lines of JSON's numbers with a comma between two, or None: most files, in half the time.

    Every separator is compared with where it must stand, so that no row can be one too short.
    """
    if content.translate(None, _REGULAR):
        return None
    body = content.rstrip(b"\n")
    letters = np.frombuffer(body, dtype=np.uint8)
    separators = letters[(letters == _COMMA) | (letters == _NEWLINE)]
    if (len(separators) + 1) % columns:
        return None
    ends = np.append(separators, _NEWLINE).reshape(-1, columns)
    if (ends[:, :-1] != _COMMA).any() or (ends[:, -1] != _NEWLINE).any():
        return None
    try:
        words = orjson.loads(b"[" + body.replace(b"\n", b",") + b"]")
    except orjson.JSONDecodeError:
        return None
    if len(words) != ends.size:  # nothing at all
        return None
    return np.fromiter(words, np.float64, count=ends.size).reshape(-1, columns)


def _words_a_line(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many words each line that is not blank has, and its number from 1."""
    letters = np.frombuffer(text, dtype=np.uint8)
    newline = letters == _NEWLINE
    empty = newline | (letters == _BLANK)
    begins = ~empty
    begins[1:] &= empty[:-1]
    line = np.cumsum(newline)[begins] if len(letters) else np.zeros(0, np.int64)
    counts = np.bincount(line) if len(line) else np.zeros(0, np.int64)
    used = np.flatnonzero(counts)
    return counts[used].astype(np.int64), (used + 1).astype(np.int64)


def _numbers(text: bytes, expected: int, source: str) -> Floats:
    try:
        # fromstring stops at a word that is no number; the count then tells.
        with np.errstate(all="ignore"):
            values = np.array(text.split(), dtype=np.float64) if expected < 64 else _fast(text)
    except ValueError as error:
        raise DataError(f"{source} holds something that is no number ({error}).") from error
    if len(values) != expected:
        raise DataError(
            f"{source} holds something that is no number, behind {len(values)} numbers."
        )
    return values


def _fast(text: bytes) -> Floats:
    """Read words as JSON where they happen to be JSON's numbers, three times faster."""
    if text.translate(None, _JSON_NUMBER):
        return _any_number(text)  # null and true are JSON, but no numbers
    try:
        words = orjson.loads(b"[" + b",".join(text.split()) + b"]")
        return np.array(words, dtype=np.float64)
    except (orjson.JSONDecodeError, TypeError, ValueError):
        return _any_number(text)  # 1., +1, 007: or no number at all


def _any_number(text: bytes) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.asarray(np.fromstring(text, dtype=np.float64, sep=" "))
