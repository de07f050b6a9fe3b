"""Data sets of single images: each annotated object is a video of one frame.

Millions of objects are columns on disk, mapped by all processes, and never a Python object each.
"""

import array
import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import ijson
import numpy as np

from holdfast.errors import DataError
from vl_track.data.columns import ColumnWriter, TextColumn, map_numbers, map_texts
from vl_track.data.file_video import FileVideo
from vl_track.data.geometry import Box
from vl_track.data.index import open_columns
from vl_track.data.sets.base import FileSet
from vl_track.data.sets.files import read_file
from vl_track.data.watching import look_at, watching


class Item(NamedTuple):
    """One annotated object.

    Attributes:
        name: unique in the data set.
        image: path below the data set's folder.
        box: x, y, width, height in pixels.
        sentence: about it.
    """

    name: str
    image: str
    box: Box
    sentence: str


class ImageSet(FileSet):
    """A split whose items are objects in images, described by one file."""

    def list_names(self) -> Sequence[str]:
        """Return the names of all objects; they stay on disk."""
        look_at(self.annotation)
        if not self.annotation.is_file():
            raise DataError(f"{self.annotation} is missing: get this file again.")
        return self.columns.names

    @property
    @abstractmethod
    def annotation(self) -> Path:
        """The file that describes the objects."""

    @abstractmethod
    def read_items(self) -> Iterator[Item]:
        """Yield every object in a fixed order.

        Images need not be there; `vl-track data verify` looks.
        """

    @cached_property
    def columns(self) -> "ImageColumns":
        """The objects, written as columns at first use."""
        return ImageColumns(open_columns(self, self._build))

    @property
    def columns_folder(self) -> Path:
        """The folder of the columns."""
        return self.columns.folder

    def prepare(self) -> None:
        """Do nothing: the objects were mapped when the set was opened."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave memory maps to the other process."""
        return {
            key: value for key, value in super().__getstate__().items()
            if key not in {"columns", "names"}
        }  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.names = self.columns.names

    def read(self, name: str) -> FileVideo:
        """Return an object as a video of one frame; looks through all names."""
        for number, other in enumerate(self.names):
            if other == name:
                return self[number]
        raise DataError(f"{self.root} has no object {name}.")

    def __getitem__(self, number: int) -> FileVideo:
        """Return an object as a video of one frame."""
        found = self.columns
        boxes = np.asarray(found.boxes[number : number + 1], dtype=np.float64)
        sentence = found.sentences[number]
        return FileVideo(
            name=found.names[number],
            images=(self.root / found.images[int(found.image_numbers[number])],),
            boxes=boxes,
            visibility=np.asarray((boxes[:, 2:] > 0).all(axis=1)),
            sentence=sentence,
            faults=() if sentence else ("the sentence is empty; the object is used without one",),
        )

    def image_paths(self) -> Iterator[Path]:
        """Yield the path of every image, once each."""
        return (self.root / name for name in self.columns.images)

    def _build(self, folder: Path) -> set[Path]:
        with watching() as looked_at:
            try:
                write_items(folder, self.read_items())
            except (
                KeyError, TypeError, AttributeError, ValueError, ijson.JSONError,
            ) as error:  # fmt: skip
                raise DataError(
                    f"{self.annotation} is not in the layout of {type(self).__name__} "
                    f"({error!r}): get it again."
                ) from error
        return looked_at


class ImageColumns:
    """What :func:`write_items` wrote, mapped into memory.

    Attributes:
        folder: of the columns.
        names: of the objects.
        sentences: about them.
        boxes: (N, 4).
        image_numbers: (N,) which of ``images`` each lies in.
        images: paths below the data set's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: TextColumn = map_texts(folder, "names")
        self.sentences = map_texts(folder, "sentences")
        self.images = map_texts(folder, "images")
        self.boxes = map_numbers(folder, "boxes")
        self.image_numbers = map_numbers(folder, "image_numbers")


def write_items(folder: Path, items: Iterator[Item]) -> None:
    """Write objects as columns; of five million, memory holds numbers only."""
    writer = ColumnWriter(folder)
    boxes, numbers = array.array("d"), array.array("I")
    images: dict[str, int] = {}
    with writer.growing("names") as names, writer.growing("sentences") as sentences:
        for item in items:
            names.add(item.name)
            sentences.add(item.sentence)
            boxes.extend(item.box)
            numbers.append(images.setdefault(item.image, len(images)))
    table = np.frombuffer(boxes, dtype=np.float64).reshape(-1, 4)
    small = table.astype(np.float32)
    writer.numbers("boxes", small if np.array_equal(small, table) else table)
    writer.numbers("image_numbers", np.frombuffer(numbers, dtype=np.uint32))
    writer.texts("images", images)


def stream_json(path: Path, prefix: str) -> Iterator[Any]:
    """Yield the values below a prefix of a JSON file, without holding the file in memory.

    Args:
        path: of the file.
        prefix: as :mod:`ijson` writes them, such as ``annotations.item``.

    Raises:
        DataError: missing or damaged.
    """
    try:
        with look_at(path).open("rb") as file:
            yield from ijson.items(file, prefix, use_float=True)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error
    except ijson.JSONError as error:
        raise DataError(f"{path} is no whole JSON file ({error}): get it again.") from error


def read_json(path: Path) -> Any:  # noqa: ANN401  (the caller knows)
    """Parse a JSON file.

    Raises:
        DataError: missing or damaged.
    """
    try:
        return json.loads(read_file(path))
    except ValueError as error:
        raise DataError(f"{path} is no whole JSON file ({error}): get it again.") from error
