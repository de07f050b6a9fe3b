"""A folder of domains, and what a special data set may do differently."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.decoding import Picture
from dropout_ft.data.folder import Domain, class_names, domain_names, scan
from dropout_ft.data.image_paths import ImagePaths
from holdfast.runs.fingerprint import Fingerprint, fingerprint_sized
from holdfast.storage import fetched, is_remote, local_copy


class Decoded(Protocol):
    """Decoded images by number, from a cache or from shards."""

    def __getitem__(self, index: int) -> Picture: ...


class Source:
    """Images in ``<root>/<domain>/<class>/<image>``; special data sets override parts of it.

    Args:
        root: holds ``<domain>/<class>/<image>``; an address such as ``s3://bucket/pictures`` is
            copied into the user's cache first, and later only what changed there.
        allow_missing_classes: accept domains without some class.
    """

    def __init__(self, root: str, allow_missing_classes: bool = False) -> None:
        self.address = root if is_remote(root) else ""
        self.root = local_copy(root) if self.address else Path(root).expanduser()
        self.allow_missing_classes = allow_missing_classes

    @property
    def class_names(self) -> list[str]:
        """The classes, in label order."""
        self.fetch()
        return class_names(self.root)

    @property
    def domain_names(self) -> list[str]:
        """The domains, in order."""
        self.fetch()
        return domain_names(self.root)

    def prepare(self) -> None:
        """Fetch or draw the images unless they are there; nothing for a plain folder."""
        self.fetch()

    def fetch(self) -> None:
        """Copy images from object storage, once in a process; nothing for a local folder.

        Raises:
            DataError: nothing lies at the address.
        """
        if self.address:
            fetched(self.address)
            self.address = ""

    def domains(self) -> list[Domain]:
        """Return every domain's images.

        Raises:
            DataError: the folder is missing, or a domain lacks a class.
        """
        self.fetch()
        return scan(self.root, allow_missing_classes=self.allow_missing_classes)

    def files(self) -> Iterator[tuple[str, int]]:
        """Yield name, relative to the root, and bytes of the files that make the fingerprint."""
        for domain in self.domains():
            if isinstance(domain.paths, ImagePaths) and domain.sizes is not None:
                yield from zip(domain.paths.relative(), domain.sizes.tolist(), strict=True)
            else:
                yield from (self.name_and_size(path) for path in domain.paths)

    def inputs(self) -> list[Path]:
        """Return the files and folders that are read and must not be written into."""
        return [self.root]

    def name_and_size(self, path: Path) -> tuple[str, int]:
        """Return a file's name, relative to the root, and its bytes."""
        return path.relative_to(self.root).as_posix(), path.stat().st_size

    def fingerprint(self, *, content: bool | None = None) -> Fingerprint:
        """Return the identity of the images.

        Args:
            content: hash the files' bytes as well; by default where all together are small.
        """
        return fingerprint_sized(
            self.files(), lambda name: (self.root / name).read_bytes(), content=content
        )

    def training_mask(self, domain: Domain) -> NDArray[np.bool_]:
        """Return (n,) bool: which images of a training domain may be used at all."""
        return np.ones(len(domain.paths), dtype=bool)

    def test_mask(self, domain: Domain) -> NDArray[np.bool_]:
        """Return (n,) bool: which images of a domain left out are scored."""
        return np.ones(len(domain.paths), dtype=bool)

    def decoded(self, *, exif_rotation: bool = False) -> Decoded | None:
        """Return the images by number, in the order of all domains; None reads the files.

        Args:
            exif_rotation: turn images as their EXIF header says.
        """
        return None

    def chunks(self) -> NDArray[np.int64] | None:
        """Return (N,) the shard of each image; None where there are no shards."""
        return None
