"""WILDS' iWildCam and Camelyon17 (Koh et al. 2021), read from their own downloads.

Layouts: the ``wilds`` package, version 2.0, ``wilds/datasets/iwildcam_dataset.py`` and
``camelyon17_dataset.py``. The domains are named so that WILDS' test domain can be left out by name.
DomainBed's protocol and accuracy apply, not WILDS' own: figures compare with no leaderboard there.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from dropout_ft.data.sources.csv_list import Listed, ListedSource, repeated
from holdfast.data.roots import data_root
from holdfast.errors import DataError

METADATA = "metadata.csv"
Cells = Mapping[str, str | None]


class WildsSource(ListedSource):
    """A data set of WILDS: a folder with ``metadata.csv`` and the images.

    Args:
        root: data root, by default ``HOLDFAST_DATA`` or ``data``; the set's own folder may be given
            as well.
        allow_missing_classes: accept domains without some class.
    """

    folder: str
    """Below the data root, as WILDS unpacks it."""
    columns: tuple[str, ...]
    """Of the metadata, those that are read."""

    def __init__(self, root: str | None = None, allow_missing_classes: bool = False) -> None:
        given = data_root(root)
        own = given if (given / METADATA).is_file() else given / self.folder
        super().__init__(str(own), allow_missing_classes)

    def inputs(self) -> list[Path]:
        """Return the folder of the set."""
        return [self.root]

    def listed(self, cells: Cells) -> Listed:
        """Return the image of a row of the metadata.

        Raises:
            ValueError: a cell is none that the set has.
        """
        raise NotImplementedError

    def read(self) -> list[Listed]:
        """Read the metadata.

        Raises:
            DataError: it is missing or damaged, or an image is not there.
        """
        path = self.root / METADATA
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return list(self._rows_of(csv.DictReader(file, strict=True), path))
        except OSError as error:
            raise DataError(
                f"There is no {self.folder} at {self.root}: put WILDS' own download there "
                f"({METADATA} and the images)."
            ) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path} is damaged ({error}): unpack {self.folder} again.") from error

    def _rows_of(self, reader: "csv.DictReader[str]", path: Path) -> Iterator[Listed]:
        missing = [name for name in self.columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{path}, line 1 has no column '{missing[0]}': unpack it again.")
        twice = repeated(reader, self.columns)
        if twice:
            raise DataError(f"{path}, line 1 names '{twice[0]}' twice: unpack it again.")
        for cells in reader:
            line = reader.line_num
            if reader.restkey in cells:
                raise DataError(
                    f"{path}, line {line} has more cells than the header: unpack it again."
                )
            empty = [name for name in self.columns if not cells[name]]
            if empty:
                raise DataError(f"{path}, line {line} has an empty cell in column '{empty[0]}'.")
            try:
                row = self.listed(cells)
            except ValueError as error:
                raise DataError(f"{path}, line {line} is damaged ({error}).") from error
            if not row.path.is_file():
                raise DataError(f"{path}, line {line}: there is no image {row.path}.")
            yield row


class Camelyon17(WildsSource):
    """Patches of lymph nodes with or without a tumour; the domains are five hospitals.

    ``hospital_2`` is WILDS' test domain, ``hospital_1`` its validation domain.

    Args:
        root: data root, by default ``HOLDFAST_DATA`` or ``data``; the set's own folder may be given
            as well.
        allow_missing_classes: accept domains without some class.
    """

    folder = "camelyon17_v1.0"
    columns = ("patient", "node", "x_coord", "y_coord", "tumor", "center")
    labels = ("normal", "tumor")

    def listed(self, cells: Cells) -> Listed:
        """Return the patch of a row; its file is named by patient, node and place."""
        number = {name: int(cells[name] or "") for name in self.columns}
        if number["tumor"] not in {0, 1}:
            raise ValueError(f"tumor is {number['tumor']}, not 0 or 1")
        node = f"patient_{number['patient']:03d}_node_{number['node']}"
        file = f"patch_{node}_x_{number['x_coord']}_y_{number['y_coord']}.png"
        name = f"patches/{node}/{file}"
        return Listed(
            name=name,
            path=self.root / name,
            label=self.labels[number["tumor"]],
            domain=f"hospital_{number['center']}",
        )


class IWildCam(WildsSource):
    """Animals before camera traps; the domains are three disjoint groups of cameras.

    ``train`` holds the cameras of WILDS' ``train``, ``id_val`` and ``id_test`` parts, ``val`` and
    ``test`` those of the parts of these names: leave ``test`` out, or ``val`` and ``test``. Classes
    are the numbers of WILDS' column ``y``. Most animals are before some cameras only, so domains
    may lack classes.

    Args:
        root: data root, by default ``HOLDFAST_DATA`` or ``data``; the set's own folder may be given
            as well.
        allow_missing_classes: accept domains without some class; true here.
    """

    folder = "iwildcam_v2.0"
    columns = ("split", "y", "filename")
    groups: Mapping[str, str] = {
        "train": "train", "id_val": "train", "id_test": "train", "val": "val", "test": "test",
    }  # fmt: skip

    def __init__(self, root: str | None = None, allow_missing_classes: bool = True) -> None:
        super().__init__(root, allow_missing_classes)

    def listed(self, cells: Cells) -> Listed:
        """Return the image of a row."""
        split, file = str(cells["split"]), str(cells["filename"])
        if split not in self.groups:
            raise ValueError(f"there is no split '{split}'")
        if Path(file).name != file or file in {".", ".."}:
            raise ValueError(f"'{file}' leads out of the folder of images")
        return Listed(
            name=f"train/{file}",
            path=self.root / "train" / file,
            label=f"{int(cells['y'] or ''):03d}",
            domain=self.groups[split],
        )
