"""RefCOCO, RefCOCO+ and RefCOCOg (arXiv 1608.00272): sentences about objects of COCO's train2014.

``refcocog/{refs(google).p, instances.json}``, ``images/train2014``; ``refcoco`` and ``refcoco+``
have ``refs(unc).p``. The published ``.p`` files are pickles, which a stranger's file may abuse, so
only plain containers, strings and numbers are read from them. The sentence is the last one of an
object, and boxes count only if both sides are above 50 pixels, as in the paper; both are switches.
"""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NoReturn

from holdfast.errors import DataError
from vl_track.data.geometry import as_box
from vl_track.data.sets.base import Split
from vl_track.data.sets.files import read_file
from vl_track.data.sets.images import ImageSet, Item, read_json, stream_json

Kind = Literal["refcoco", "refcoco+", "refcocog"]
FILES = {"refcoco": "refs(unc).p", "refcoco+": "refs(unc).p", "refcocog": "refs(google).p"}


class RefCOCO(ImageSet):
    """Referring expressions.

    Args:
        root: folder that holds ``images`` and one folder for each of the three sets.
        split: ``train``, ``val`` or ``test`` (RefCOCO's testA and testB together).
        kind: which of the three.
        min_side: sides must be above this many pixels (paper: 50).
        which: ``last`` sentence of an object (paper), or ``all``, each an item.
    """

    splits: tuple[Split, ...] = ("train", "val", "test")

    def __init__(
        self,
        root: Path,
        split: Split,
        kind: Kind = "refcocog",
        min_side: float = 50,
        which: Literal["last", "all"] = "last",
    ) -> None:
        self.kind, self.min_side, self.which = kind, min_side, which
        super().__init__(root, split)

    @property
    def annotation(self) -> Path:
        """The file of references, or the same as JSON where that lies beside it."""
        path = self.root / self.kind / FILES[self.kind]
        plain = path.with_suffix(".json")
        return plain if plain.is_file() else path

    def read_items(self) -> Iterator[Item]:
        """Yield the objects of the split, in the order of the file of references."""
        instances = self.root / self.kind / "instances.json"
        boxes = {
            one["id"]: as_box(one["bbox"]) for one in stream_json(instances, "annotations.item")
        }
        images = {one["id"]: one["file_name"] for one in stream_json(instances, "images.item")}
        for reference in read_references(self.annotation):
            box = boxes[reference["ann_id"]]
            inside = str(reference["split"]).startswith(self.split)
            if not inside or min(box[2], box[3]) <= self.min_side:
                continue
            sentences = [str(one["sent"]) for one in reference["sentences"]]
            for number, sentence in enumerate(
                sentences[-1:] if self.which == "last" else sentences
            ):
                yield Item(
                    name=f"{reference['ref_id']}-{number}",
                    image=f"images/train2014/{images[reference['image_id']]}",
                    box=box,
                    sentence=sentence.lower(),
                )


# Everything the standard unpickler is known to raise on damaged bytes.
_DAMAGE = (
    pickle.UnpicklingError, EOFError, ValueError, LookupError, OverflowError, TypeError,
    AttributeError, MemoryError,
)  # fmt: skip


class _PlainUnpickler(pickle.Unpickler):
    """Reads containers, strings and numbers; a file that wants any class is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse."""
        raise pickle.UnpicklingError(f"it wants {module}.{name}")


def read_references(path: Path) -> list[dict[str, Any]]:
    """Read a ``refs(*).p`` file, or the same as JSON.

    Raises:
        DataError: missing, damaged, or a pickle that is more than plain data.
    """
    if path.suffix == ".json":
        found: list[dict[str, Any]] = read_json(path)
        return found
    content = read_file(path)
    try:
        loaded = _PlainUnpickler(io.BytesIO(content), encoding="utf-8").load()
    except _DAMAGE as error:
        raise DataError(
            f"{path} is no plain list of references ({error}): get the published file again."
        ) from error
    if not isinstance(loaded, list):
        raise DataError(f"{path} holds no list of references: get the published file again.")
    return loaded
