"""Columns of many rows on disk, mapped into memory: numbers as arrays, texts as bytes and ends."""

import array
import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Texts = Iterable[str]


class TextColumn(Sequence[str]):
    """Texts one after the other in one array of bytes; a row is decoded when it is asked for.

    Args:
        content: uint8, all texts in UTF-8.
        ends: (N,) where each one ends.
    """

    def __init__(self, content: NDArray[np.uint8], ends: NDArray[np.integer[Any]]) -> None:
        self.content, self.ends = content, ends

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.ends)

    def __getitem__(self, number: int) -> str:  # type: ignore[override]
        """Return one text."""
        if not -len(self.ends) <= number < len(self.ends):
            raise IndexError(number)
        number %= len(self.ends)
        start = int(self.ends[number - 1]) if number else 0
        return self.content[start : int(self.ends[number])].tobytes().decode()


class ColumnWriter:
    """Write columns row by row, so that no table is ever in memory as a whole.

    Args:
        folder: that holds the files of the columns.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def numbers(self, name: str, values: NDArray[Any]) -> None:
        """Write a whole column of numbers."""
        np.save(self.folder / f"{name}.npy", values)

    def texts(self, name: str, values: Texts) -> None:
        """Write a column of texts."""
        with self.growing(name) as column:
            for value in values:
                column.add(value)

    @contextlib.contextmanager
    def growing(self, name: str) -> Iterator["GrowingTexts"]:
        """Write a column of texts one by one; it is complete when the block ends."""
        with (self.folder / f"{name}.bytes").open("wb") as file:
            column = GrowingTexts(file)
            yield column
        kind = np.uint32 if column.total < 2**32 else np.uint64
        ends = np.frombuffer(column.ends, dtype=np.uint64).astype(kind)
        np.save(self.folder / f"{name}.npy", ends)


class GrowingTexts:
    """A column of texts that is being written."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.total, self.ends = file, 0, array.array("Q")

    def add(self, value: str) -> None:
        """Append a text."""
        content = value.encode(errors="replace")
        self.file.write(content)
        self.total += len(content)
        self.ends.append(self.total)


def map_numbers(folder: Path, name: str) -> NDArray[Any]:
    """Map a column of numbers; nothing is read before it is used."""
    return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def map_texts(folder: Path, name: str) -> TextColumn:
    """Map a column of texts."""
    path = folder / f"{name}.bytes"
    content = (
        np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.zeros(0, np.uint8)
    )
    return TextColumn(content, map_numbers(folder, name))


def dumps(value: object) -> str:
    """Return compact JSON for a column of texts."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
