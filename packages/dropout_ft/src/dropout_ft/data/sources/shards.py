"""Domains of images in shards: exact resume and DomainBed's splits, few shards open at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.folder import Domain
from dropout_ft.data.shards import CHUNKS, TABLE, Shards, ShardTable, read_table
from dropout_ft.data.sources.base import Source
from holdfast.errors import ConfigError
from holdfast.storage import is_remote


class ShardedFolder(Source):
    """The shards that ``dropout-ft data shard`` wrote.

    Splits, labels and evaluation are those of the folder the shards were written from. Training
    reads ``open_shards`` shards of each domain for ``window`` steps, then others, drawn from (seed,
    window, rank): a disk or network sees long runs of neighbours, a resumed run sees the very
    batches it would have seen, and every image is as likely as any other.

    Args:
        root: folder of the shards.
        open_shards: shards of each domain that a rank draws from at a time.
        window: steps until others are drawn.

    Raises:
        ConfigError: the root is an address on object storage.
    """

    def __init__(self, root: str, open_shards: int = 4, window: int = 100) -> None:
        if is_remote(root):
            raise ConfigError(
                f"Shards are mapped into memory, which {root} cannot be: copy them to a local "
                "folder, or give data.source the address of the folder of images."
            )
        super().__init__(root)
        self.open_shards = open_shards
        self.window = window
        self._shards = Shards(self.root)
        self._table: ShardTable | None = None

    @property
    def table(self) -> ShardTable:
        """What the shards hold."""
        if self._table is None:
            self._table = read_table(self.root)
        return self._table

    @property
    def class_names(self) -> list[str]:
        """The classes, in label order."""
        return self.table.classes

    @property
    def domain_names(self) -> list[str]:
        """The domains, in order."""
        return [domain.name for domain in self.table.domains]

    def domains(self) -> list[Domain]:
        """Return every domain's images."""
        return self.table.domains

    def files(self) -> Iterator[tuple[str, int]]:
        """Yield name and bytes of the table and of the shards."""
        yield self.name_and_size(self.root / TABLE)
        for path in (self.root / CHUNKS).iterdir():
            if path.is_file():
                yield self.name_and_size(path)

    def decoded(self, *, exif_rotation: bool = False) -> Shards:
        """Return the images by number; they are stored as encoded files and turned when read."""
        self._shards.exif_rotation = exif_rotation
        return self._shards

    def chunks(self) -> NDArray[np.int64]:
        """Return (N,) the shard of each image."""
        return self._shards.chunk_of()
