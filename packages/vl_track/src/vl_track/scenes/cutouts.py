"""Cut-out photographs of things, with names: Tux Paint's stamps, as Debian packages them.

The pictures are under the GPL and other free licences of their own; they are prepared on the user's
machine and are no part of this package or of what it writes, but for the weights trained on them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from holdfast.atomic import write_text
from holdfast.data.debian_packages import fetch_debian_package
from holdfast.data.emoji.concepts import is_held_out
from holdfast.data.preparing import new_folder, only_preparer
from holdfast.errors import DataError
from vl_track.scenes.appearance import COLOURS
from vl_track.scenes.grammar import Split

FOLDER = "scenes_cutouts"
PACKAGE = "tuxpaint-stamps-default"
STAMPS = "usr/share/tuxpaint/stamps"
SIDE = 192
LEAST_SIDE = 48
"""Pixels: a smaller cut-out would be blurred when it is drawn large."""
# Drawings, signs, letters and what is no thing that moves.
LEFT_OUT = frozenset(
    """cartoon symbols alphabets flags roadsigns naturalforces space planets moon monuments
    hanukkah""".split()  # noqa: SIM905  (words read better)
)
# A noun of the folder's that is true of all its things.
KINDS = {
    "amphibians": "animal", "birds": "bird", "fish": "fish", "insects": "insect",
    "lizards": "animal", "mammals": "animal", "apes": "animal", "aquatic": "animal",
    "bears": "bear", "bovines": "animal", "camel": "animal", "cats": "cat", "deer": "animal",
    "dogs": "dog", "equines": "animal", "rodents": "animal", "marsupials": "animal",
    "shellfish": "animal", "clothes": "clothing", "hats": "hat", "fruit": "fruit", "nuts": "nut",
    "vegetables": "vegetable", "brass": "instrument", "percussion": "instrument",
    "string": "instrument", "wind": "instrument", "tools": "tool", "flowers": "flower",
    "mushrooms": "mushroom", "trees": "tree", "people": "person", "toys": "toy",
    "vehicles": "vehicle", "auto": "car", "construction": "vehicle", "cycle": "vehicle",
    "emergency": "vehicle", "flight": "aircraft", "planes": "plane", "masstransit": "vehicle",
    "race": "vehicle", "ship": "boat", "sports": "sport",
}  # fmt: skip
HELD_OUT, VALIDATION_SHARE = 0.3, 0.35
NAMED = 0.65
"""Share of a thing's pixels that must have a colour for the colour to be said."""


@dataclass(frozen=True)
class Cutout:
    """A prepared cut-out.

    Attributes:
        file: below the folder.
        nouns: what it may be called, most special first.
        colour: a key of ``COLOURS`` if most of it has that colour.
    """

    file: str
    nouns: tuple[str, ...]
    colour: str | None


def record_of(root: Path) -> Path:
    """Return the file that lists the prepared cut-outs and their names; it is written last."""
    return root / f"{FOLDER}.json"


def find_cutouts(root: Path, split: Split) -> list[Cutout]:
    """Return a split's cut-outs; no thing of one name belongs to two splits.

    Raises:
        DataError: they were not prepared.
    """
    record = record_of(root)
    found = _prepared(record)
    if found is None:
        raise DataError(
            f"There are no cut-out photographs below {root}: run `vl-track scenes prepare "
            f"--cutouts 1` where Debian's archive can be reached (apt-get), or unpack its "
            f"package {PACKAGE} into {root / 'packages' / PACKAGE} and run it then."
        )
    every = [Cutout(one["file"], tuple(one["nouns"]), one["colour"]) for one in found]
    return [one for one in every if split_of(one.nouns[0]) == split]


def split_of(name: str) -> Split:
    """Return the split in which the thing of a name is shown."""
    if not is_held_out(f"cutout {name}", HELD_OUT):
        return "train"
    return "val" if is_held_out(f"cutout {name} val", VALIDATION_SHARE) else "test"


def prepare_cutouts(root: Path) -> int:
    """Fetch Tux Paint's stamps without root and keep the photographs; return how many there are.

    Raises:
        MissingToolError: this is not a Debian system.
        DataError: the package cannot be fetched, or the folder is there and is not ours.
    """
    record = record_of(root)
    found = _prepared(record)
    if found is not None:
        return len(found)
    with only_preparer(root / FOLDER):
        found = _prepared(record)  # another process may have been at it
        if found is None:
            with new_folder(root / FOLDER, record) as building:
                stamps = fetch_debian_package(PACKAGE, root / "packages") / STAMPS
                found = [asdict(one) for one in _keep(stamps, building)]
            write_text(record, json.dumps({"package": PACKAGE, "cutouts": found}, indent=1) + "\n")
    return len(found)


def _prepared(record: Path) -> list[dict[str, Any]] | None:
    """Return what the record lists, if there is one and it is finished."""
    if not record.is_file():
        return None
    found: list[dict[str, Any]] | None = json.loads(record.read_text()).get("cutouts")
    return found


def _keep(stamps: Path, folder: Path) -> Iterator[Cutout]:
    for path in sorted(stamps.rglob("*.png")):
        places = path.parent.relative_to(stamps).parts
        if LEFT_OUT & set(places):
            continue
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        names = _nouns(path, places)
        if picture is None or picture.dtype != np.uint8 or picture.shape[2:] != (4,) or not names:
            continue
        square = _squared(np.ascontiguousarray(picture[..., [2, 1, 0, 3]]))
        if square is None:
            continue
        file = f"{'_'.join(places)}_{path.stem}.png"
        cv2.imwrite(str(folder / file), square[..., [2, 1, 0, 3]])
        yield Cutout(file, names, main_colour(square))


def _nouns(path: Path, places: tuple[str, ...]) -> tuple[str, ...]:
    """Return the English name of a stamp, its last word, and its folder's noun."""
    try:
        line = path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        return ()
    name = re.sub(r"\(.*?\)|[^a-z' -]", " ", line.lower())
    words = [word for word in name.split() if word not in {"a", "an", "the", "some", *COLOURS}]
    # What comes after "of", "with" or "in" tells more about the thing, not what it is.
    for word in ("with", "in", "on", "from", "eating", "sitting", "standing"):
        words = words[: words.index(word)] if word in words[1:] else words
    if not words or len(words) > 4:
        return ()
    kind = next((KINDS[place] for place in reversed(places) if place in KINDS), None)
    named = [" ".join(words)]
    if "of" not in words and len(words) > 1:
        named.append(words[-1])
    return tuple(dict.fromkeys([*named, *([kind] if kind else [])]))


def _squared(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return RGBA (SIDE, SIDE, 4) with the thing in the middle; ``None`` for an unfit one."""
    solid = picture[..., 3] > 127
    if not solid.any() or solid.mean() > 0.97:  # no transparent ground: it is no cut-out
        return None
    rows, columns = np.nonzero(solid)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    thing = picture[top:bottom, left:right]
    height, width = thing.shape[:2]
    longer = max(height, width)
    if longer < LEAST_SIDE or min(height, width) * 8 < longer:
        return None
    square = np.zeros((longer, longer, 4), dtype=np.uint8)
    y, x = (longer - height) // 2, (longer - width) // 2
    square[y : y + height, x : x + width] = thing
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def main_colour(picture: NDArray[np.uint8]) -> str | None:
    """Return the named colour that most of a thing's pixels are nearest to, if one has most.

    Args:
        picture: RGBA (H, W, 4).
    """
    pixels = picture[picture[..., 3] > 127][:, :3][None]
    seen = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB)[0].astype(float)
    named = np.array([list(COLOURS.values())], dtype=np.uint8)
    known = cv2.cvtColor(named, cv2.COLOR_RGB2LAB)[0].astype(float)
    distance = ((seen[:, None] - known[None]) ** 2 * (0.35, 1, 1)).sum(axis=-1)
    share = np.bincount(distance.argmin(axis=1), minlength=len(known)) / len(seen)
    best = int(share.argmax())
    return list(COLOURS)[best] if share[best] >= NAMED else None
