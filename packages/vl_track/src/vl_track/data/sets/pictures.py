"""Data sets of single pictures: each annotated object is a video of one frame."""

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.errors import DataError
from vl_track.data.geometry import Box
from vl_track.data.sets.base import FileVideo, VideoSet, read_file


class PictureSet(VideoSet):
    """A split whose items are (picture, box, sentence), read from one index into memory."""

    def list_names(self) -> list[str]:
        """Read the index; names are those of its objects."""
        try:
            index = self.read_index()
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise DataError(
                f"The index of {self.root} is not in the layout of {type(self).__name__} "
                f"({error!r}): get it again."
            ) from error
        self._items = {name: (picture, box, said) for name, picture, box, said in index}
        return list(self._items)

    @abstractmethod
    def read_index(self) -> list[tuple[str, Path, Box, str]]:
        """Return a name, the picture, the box and the sentence of every object, in a fixed order.

        Pictures need not be there; `vl-track data verify` looks.
        """

    def read(self, name: str) -> FileVideo:
        """Return an object as a video of one frame."""
        picture, box, said = self._items[name]
        boxes = np.array([box], dtype=np.float64)
        return FileVideo(
            name=name,
            pictures=(picture,),
            boxes=boxes,
            seen=np.asarray((boxes[:, 2:] > 0).all(axis=1)),
            sentence=said,
            faults=() if said else ("the sentence is empty; the object is used without one",),
        )


def read_json(path: Path) -> Any:  # noqa: ANN401  (the caller knows)
    """Parse a JSON index.

    Raises:
        DataError: missing or damaged.
    """
    try:
        return json.loads(read_file(path))
    except ValueError as error:
        raise DataError(f"{path} is no whole JSON file ({error}): get it again.") from error
