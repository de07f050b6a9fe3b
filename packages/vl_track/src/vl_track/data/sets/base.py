"""What every data set offers: its sequences by name, their videos, and their true boxes."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, Literal

from holdfast.errors import DataError
from vl_track.data.file_video import FileVideo
from vl_track.data.index import SequenceIndex, open_index
from vl_track.data.truth import TrueSequence
from vl_track.data.video import Video
from vl_track.data.watching import watching

Split = Literal["train", "val", "test"]


class VideoSet(ABC):
    """A split of a data set.

    Args:
        root: the data set's folder.
        split: which part.

    Raises:
        DataError: there is no such split or folder, nothing is in it, or a name in a list would
            lead out of a folder.
    """

    splits: tuple[Split, ...] = ("train", "test")
    needs_folder: bool = True
    """Whether the sequences lie in a folder; made-up sequences need none."""
    files_of_list: frozenset[Path] = frozenset()
    """What the list of names was made from."""

    def __init__(self, root: Path, split: Split) -> None:
        self.root, self.split = Path(root), split
        if split not in self.splits:
            raise DataError(
                f"{type(self).__name__} has no split '{split}': take {' or '.join(self.splits)}."
            )
        if self.needs_folder and not self.root.is_dir():
            raise DataError(
                f"There is no folder {self.root}: put the data set there, or name another data "
                "root; `vl-track data list` says what is expected."
            )
        with watching() as looked_at:
            self.names: Sequence[str] = self.list_names()
        self.files_of_list = frozenset(looked_at)
        if not len(self.names):
            raise DataError(
                f"{self.root} holds no sequence of the split '{split}' in the layout of "
                f"{type(self).__name__}: `vl-track data list` says what is expected."
            )

    @abstractmethod
    def list_names(self) -> Sequence[str]:
        """Return the names of the split's sequences, in the order of the benchmark."""

    @abstractmethod
    def read(self, name: str) -> Video:
        """Return a sequence.

        Raises:
            DataError: something needed is missing or malformed.
        """

    @abstractmethod
    def truth(self, name: str) -> TrueSequence:
        """Return the true boxes of a sequence."""

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.names)

    def __getitem__(self, number: int) -> Video:
        """Return a sequence by its number in :attr:`names`."""
        return self.read(self.names[number])

    def __iter__(self) -> Iterator[Video]:
        """Yield every sequence."""
        return (self[number] for number in range(len(self)))


class FileSet(VideoSet):
    """A split of a data set whose sequences are files; training draws from its index."""

    def __init__(self, root: Path, split: Split) -> None:
        self.options = dict(vars(self))
        super().__init__(root, split)
        if isinstance(self.names, list):  # objects in images are no names of files
            check_names(self.names, self.root)

    @abstractmethod
    def read(self, name: str) -> FileVideo:
        """Read a sequence's annotation and list its images.

        Raises:
            DataError: something needed is missing or malformed.
        """

    def truth(self, name: str) -> TrueSequence:
        """Return the true boxes of a sequence."""
        return self.read(name).truth()

    def faults(self) -> list[str]:
        """Return what is wrong with the split as a whole, a sentence each."""
        return []

    def unknown_folders(self) -> list[str]:
        """Return folders that belong to no sequence this reader knows."""
        return []

    @cached_property
    def index(self) -> SequenceIndex:
        """The index of all sequences, built at first use and mapped by all processes."""
        return open_index(self)

    @property
    def columns_folder(self) -> Path:
        """The folder of everything that is known of the sequences, but their pixels."""
        return self.index.folder

    def prepare(self) -> None:
        """Build the index where there is none, and map it."""
        _ = self.index

    def __getitem__(self, number: int) -> FileVideo:
        """Return a sequence from the index.

        Raises:
            DataError: the sequence is damaged; the message is that of :meth:`read`.
        """
        return self.index[number]

    def __getstate__(self) -> dict[str, Any]:
        """Leave memory maps to the other process."""
        return {key: value for key, value in vars(self).items() if key != "index"}


def check_names(names: Sequence[str], root: Path) -> None:
    """Refuse names that would lead out of the folders they are put into.

    Raises:
        DataError: one of them does.
    """
    for name in names:
        if PurePath(name).name != name or name == ".." or "\\" in name or "\0" in name:
            raise DataError(
                f"A list in {root} names the sequence '{name}', which leads out of its folder: get "
                "the data set's own list."
            )
