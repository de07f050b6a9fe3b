"""Folders of pictures as shards of litdata: few large files instead of many small ones."""

import contextlib
import functools
import importlib.util
import json
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropout_ft.data.decoding import Picture, decode_picture
from dropout_ft.data.folder import Domain, class_names, scan
from holdfast.atomic import write_text
from holdfast.errors import DataError, MissingToolError
from holdfast.outputs import keep_apart

TABLE = "holdfast.json"
CHUNKS = "chunks"


@dataclass(frozen=True, kw_only=True)
class ShardTable:
    """What the shards of a folder hold, in DomainBed's order.

    Attributes:
        classes: names, in label order.
        domains: pictures of each, their paths ``<root>/<domain>/<class>/<file>`` below the shards.
    """

    classes: list[str]
    domains: list[Domain]


def write_shards(root: Path, out: Path, *, chunk_bytes: str = "64MB") -> int:
    """Write a folder of domains as shards; the files' bytes are kept as they are.

    Args:
        root: holds ``<domain>/<class>/<image>``.
        out: folder to make.
        chunk_bytes: size of a shard, as litdata writes it.

    Returns:
        The number of pictures.

    Raises:
        ConfigError: ``out`` lies in the folder itself.
        DataError: ``out`` is there already.
        MissingToolError: litdata is not installed.
    """
    keep_apart([out], [root])
    litdata = import_litdata()
    if out.exists():
        raise DataError(f"{out} exists: choose another folder, or remove it.")
    domains, classes = scan(root, allow_missing_classes=True), class_names(root)
    paths = [path for domain in domains for path in domain.paths]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".shards-") as made:
        place = Path(made) / "shards"
        with _start_method_kept():
            litdata.optimize(
                fn=functools.partial(_item, root), inputs=[str(path) for path in paths],
                output_dir=str(place / CHUNKS), chunk_bytes=chunk_bytes, num_workers=1,
                verbose=False,
            )  # fmt: skip
        table = {
            "classes": classes,
            "domains": [
                {
                    "name": domain.name,
                    "labels": [int(label) for label in domain.labels],
                    "paths": [str(path.relative_to(root)) for path in domain.paths],
                }
                for domain in domains
            ],
        }
        write_text(place / TABLE, json.dumps(table))
        _check_order(place, [str(path.relative_to(root)) for path in paths])
        place.rename(out)
    return len(paths)


def read_table(root: Path) -> ShardTable:
    """Read what shards hold.

    Raises:
        DataError: there are none, or their table is damaged.
    """
    try:
        found = json.loads((root / TABLE).read_text())
        return ShardTable(
            classes=[str(name) for name in found["classes"]],
            domains=[
                Domain(
                    name=one["name"],
                    paths=tuple(root / path for path in one["paths"]),
                    labels=tuple(int(label) for label in one["labels"]),
                )
                for one in found["domains"]
            ],
        )
    except FileNotFoundError as error:
        raise DataError(
            f"There are no shards at {root}: write them with `dropout-ft data shard FOLDER "
            "--out SHARDS`."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{root / TABLE} is damaged ({error}): write the shards anew.") from error


class Shards:
    """Random access to the pictures of shards; each process opens its own reader.

    Args:
        root: folder of the shards.
        exif_rotation: turn pictures as their EXIF header says.
    """

    def __init__(self, root: Path, *, exif_rotation: bool = False) -> None:
        self.root = root
        self.exif_rotation = exif_rotation
        self._reader: tuple[int, Any] | None = None

    def __len__(self) -> int:
        return len(self._open())

    def __getitem__(self, index: int) -> Picture:
        item = self._open()[int(index)]
        name = f"{self.root}: {item['name']}"
        return decode_picture(item["picture"], name, exif_rotation=self.exif_rotation)

    def name(self, index: int) -> str:
        """Return a picture's path below the root it was written from."""
        return str(self._open()[int(index)]["name"])

    def chunk_of(self) -> NDArray[np.int64]:
        """Return (N,) the shard each picture is in."""
        try:
            index = json.loads((self.root / CHUNKS / "index.json").read_text())
            sizes = [int(chunk["chunk_size"]) for chunk in index["chunks"]]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"The shards' index in {self.root} is damaged ({error}).") from error
        return np.repeat(np.arange(len(sizes)), sizes)

    def _open(self) -> Any:  # noqa: ANN401  (a litdata.StreamingDataset)
        if self._reader is None or self._reader[0] != os.getpid():
            reader = import_litdata().StreamingDataset(str(self.root / CHUNKS), shuffle=False)
            self._reader = (os.getpid(), reader)
        return self._reader[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_reader": None}


def import_litdata() -> Any:  # noqa: ANN401  (a module)
    """Import litdata, which must not look for newer versions of itself.

    Raises:
        MissingToolError: it is not installed.
    """
    if importlib.util.find_spec("litdata") is None:
        raise MissingToolError("Shards need litdata: `pip install litdata`.")
    os.environ.setdefault("LITDATA_DISABLE_VERSION_CHECK", "1")
    return importlib.import_module("litdata")


@contextlib.contextmanager
def _start_method_kept() -> Iterator[None]:
    """Undo what litdata does to the whole process: it makes every later worker a spawned one."""
    before = multiprocessing.get_start_method(allow_none=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)


def _item(root: Path, path: str) -> dict[str, Any]:
    return {"picture": Path(path).read_bytes(), "name": str(Path(path).relative_to(root))}


def _check_order(place: Path, names: Sequence[str]) -> None:
    """Read every name back: a label that belongs to another picture would be a silent error.

    Raises:
        DataError: pictures are missing or in another order.
    """
    shards = Shards(place)
    if len(shards) != len(names) or any(shards.name(i) != n for i, n in enumerate(names)):
        raise DataError("litdata wrote the pictures in another order: use another version of it.")
