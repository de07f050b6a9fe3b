"""Images listed in a CSV with the columns ``path``, ``label`` and ``domain``."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dropout_ft.data.folder import Domain
from dropout_ft.data.listing import is_image
from dropout_ft.data.sources.base import Source
from holdfast.errors import DataError
from holdfast.runs.fingerprint import Fingerprint, fingerprint_named
from holdfast.storage import is_remote

COLUMNS = ("path", "label", "domain")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One image of a list.

    Attributes:
        name: its path as the list has it; the same wherever the list and its images are moved.
        path: of the file.
        label: name of its class.
        domain: name of its domain.
    """

    name: str
    path: Path
    label: str
    domain: str


class ListedSource(Source):
    """Images whose labels and domains stand in a list instead of in folders' names.

    Domains and classes are in sorted order, and the images of a domain are sorted by class, then by
    path: the list's own order changes nothing.

    Args:
        root: the file or folder that holds the list.
        allow_missing_classes: accept domains without some class.

    Raises:
        DataError: ``root`` is an address on object storage.
    """

    def __init__(self, root: str, allow_missing_classes: bool = False) -> None:
        if is_remote(root):
            raise DataError(f"{root} is an address: copy the list and its images to this machine.")
        super().__init__(root, allow_missing_classes)
        self._rows: list[Listed] | None = None

    def read(self) -> list[Listed]:
        """Read the list.

        Raises:
            DataError: it is missing or damaged.
        """
        raise NotImplementedError

    @property
    def rows(self) -> list[Listed]:
        """Every image, in the order of domains, classes and paths; the list is read once."""
        if self._rows is None:
            found = self.read()
            for what in ("domain", "label"):
                if len({getattr(row, what) for row in found}) < 2:
                    raise DataError(
                        f"{self.root} lists fewer than two {what}s, but leaving one domain out and "
                        f"telling classes apart needs at least two: check its column '{what}'."
                    )
            self._rows = sorted(found, key=lambda row: (row.domain, row.label, row.name))
        return self._rows

    @property
    def class_names(self) -> list[str]:
        """The classes, sorted."""
        return sorted({row.label for row in self.rows})

    @property
    def domain_names(self) -> list[str]:
        """The domains, sorted."""
        return sorted({row.domain for row in self.rows})

    def domains(self) -> list[Domain]:
        """Return every domain's images.

        Raises:
            DataError: the list is damaged, or a domain lacks a class.
        """
        classes = {name: number for number, name in enumerate(self.class_names)}
        found: dict[str, list[Listed]] = {name: [] for name in self.domain_names}
        for row in self.rows:
            found[row.domain].append(row)
        if not self.allow_missing_classes:
            self._check_classes(found, list(classes))
        return [
            Domain(
                name=name,
                paths=[row.path for row in rows],
                labels=np.array([classes[row.label] for row in rows], dtype=np.int64),
            )
            for name, rows in found.items()
        ]

    def inputs(self) -> list[Path]:
        """Return what is read: the list and the files, not the folders that they lie in."""
        return [self.root, *(row.path for row in self.rows)]

    def files(self) -> Iterator[tuple[str, int]]:
        """Yield a name of domain, class and path, and the bytes, of each image."""
        for row in self.rows:
            yield _named(row), row.path.stat().st_size

    def fingerprint(self, *, content: bool | None = None) -> Fingerprint:
        """Return the identity of the images; a changed label or domain changes it."""
        return fingerprint_named(((_named(row), row.path) for row in self.rows), content=content)

    def _check_classes(self, found: dict[str, list[Listed]], classes: Sequence[str]) -> None:
        for domain, rows in found.items():
            missing = sorted(set(classes) - {row.label for row in rows})
            if missing:
                raise DataError(
                    f"{self.root} lists no image of class '{missing[0]}' in domain '{domain}': add "
                    "some, remove the class everywhere, or set the source's allow_missing_classes "
                    "to true."
                )


class CsvSource(ListedSource):
    """Images listed in a CSV file: a header with ``path``, ``label``, ``domain``, a row for each.

    Other columns are ignored. A path is absolute or relative to the file's folder. Classes and
    domains are the names that the columns hold. ``--data.source pictures.csv`` is this source.

    Args:
        root: the CSV, in UTF-8.
        allow_missing_classes: accept domains without some class.
    """

    def read(self) -> list[Listed]:
        """Read the file.

        Raises:
            DataError: names the line with a column or cell that is missing, a file that is not
                there, or a path that stands there twice.
        """
        try:
            with self.root.open(encoding="utf-8-sig", newline="") as file:
                return list(self._rows_of(csv.DictReader(file, strict=True)))
        except OSError as error:
            raise DataError(
                f"There is no list of images at {self.root} ({error}): give a CSV with the columns "
                f"{', '.join(COLUMNS)}."
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(f"{self.root} is no text in UTF-8 ({error}): save it so.") from error

    def _rows_of(self, reader: "csv.DictReader[str]") -> Iterator[Listed]:
        lines: dict[str, int] = {}
        line = 1
        try:
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{self.root}, line 1 has no column '{missing[0]}': the first line names the "
                    f"columns {', '.join(COLUMNS)}, separated by commas."
                )
            twice = repeated(reader, COLUMNS)
            if twice:
                raise DataError(
                    f"{self.root}, line 1 names the column '{twice[0]}' twice: rename one of them."
                )
            for cells in reader:
                line = reader.line_num
                if reader.restkey in cells:
                    raise DataError(
                        f"{self.root}, line {line} has more cells than the header: put quotes "
                        "around text with a comma."
                    )
                row = self._row(cells, line)
                place = os.path.abspath(row.path)  # noqa: PTH100  (".." goes, links are not read)
                if place in lines:
                    raise DataError(
                        f"{self.root}, line {line} lists {row.name}, as line {lines[place]} does: "
                        "remove one of the two."
                    )
                lines[place] = line
                yield row
        except csv.Error as error:
            raise DataError(
                f"{self.root}, after line {line}, is no CSV ({error}): write it again."
            ) from error

    def _row(self, cells: dict[str, str], line: int) -> Listed:
        values = {name: (cells[name] or "").strip() for name in COLUMNS}
        for name, value in values.items():
            if not value:
                raise DataError(f"{self.root}, line {line} has an empty cell in column '{name}'.")
        path = self.root.parent / values["path"]
        if not is_image(path.name):
            raise DataError(
                f"{self.root}, line {line}: {values['path']} is not named like an image that is "
                "read, such as .jpg or .png."
            )
        if not path.is_file():
            raise DataError(f"{self.root}, line {line}: there is no file {path}.")
        return Listed(name=values["path"], path=path, label=values["label"],
                      domain=values["domain"])  # fmt: skip


def repeated(reader: "csv.DictReader[str]", columns: Sequence[str]) -> list[str]:
    """Return those of some columns that the header names more than once."""
    return [name for name in columns if list(reader.fieldnames or ()).count(name) > 1]


def _named(row: Listed) -> str:
    """Return a name that no other domain, class and path has; its first part is the domain."""
    return f"{_escaped(row.domain)}/{_escaped(row.label)}/{row.name}"


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")
