"""Photographs for backgrounds: a folder of the user's, or those that packages bring."""

import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from holdfast.data.debian_packages import fetch_debian_package
from holdfast.errors import DataError, MissingToolError
from vl_track.scenes.grammar import Split

FOLDER = "scenes_photographs"
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LONG_SIDE = 800
# scikit-image carries these in its wheel.
BUNDLED = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
# Debian packages with photographs among their pictures.
DEBIAN = (
    "mate-backgrounds",
    "ukui-wallpapers",
    "gnome-backgrounds",
    "plasma-workspace-wallpapers",
    "lomiri-wallpapers-20.04",
    "lomiri-wallpapers-16.04",
    "opencv-doc",
)
# Every fourth picture validates, every fourth tests.
_RESIDUES: dict[Split, tuple[int, ...]] = {"train": (0, 1), "val": (2,), "test": (3,)}


def find_photographs(root: Path, split: Split) -> list[Path]:
    """Return a split's photographs, sorted by name.

    Args:
        root: data root; its ``scenes_photographs`` folder is used if it has pictures, else the few
            that scikit-image brings.
        split: no photograph belongs to two splits.
    """
    folder = root / FOLDER
    own = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
    pictures = own or _bundled()
    residues = _RESIDUES[split] if len(pictures) >= 8 else (0, 1, 2, 3)
    chosen = [path for number, path in enumerate(pictures) if number % 4 in residues]
    if not chosen:
        raise DataError(
            f"There are no photographs for Scenes: put some pictures into {folder}, or install "
            "scikit-image, which brings a few."
        )
    return chosen


@lru_cache(maxsize=128)
def read_photograph(path: Path) -> NDArray[np.uint8]:
    """Read RGB (H, W, 3), its longer side at most 800 pixels.

    Raises:
        DataError: not a picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise DataError(f"{path} is not a readable picture: remove it from the folder.")
    shrink = LONG_SIDE / max(picture.shape[:2])
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[..., ::-1])


def gather_photographs(root: Path) -> int:
    """Fetch Debian's wallpaper packages without root and keep their photographs below ``root``.

    Packages that cannot be fetched are skipped with a line on stderr: Scenes works without them.

    Returns:
        How many pictures the folder has.
    """
    target = root / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for package in DEBIAN:
        try:
            folder = fetch_debian_package(package, root / "packages")
        except (DataError, MissingToolError) as error:
            sys.stderr.write(f"{error} Scenes goes on without it.\n")
            continue
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
            _keep(path, target / f"{package}_{path.parent.name}_{path.stem}.jpg")
    return len(list(target.glob("*.jpg")))


def _keep(path: Path, target: Path) -> None:
    """Copy a picture, smaller, if it looks like a photograph: large, and with many colours."""
    if path.is_symlink() or "html" in path.parts or target.exists():
        return
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None or min(picture.shape[:2]) < 300:
        return
    small = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA) // 16
    if len(np.unique(small.reshape(-1, 3), axis=0)) < 120:
        return
    shrink = min(1.0, LONG_SIDE / max(picture.shape[:2]))
    size = (round(picture.shape[1] * shrink), round(picture.shape[0] * shrink))
    cv2.imwrite(str(target), cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _bundled() -> list[Path]:
    found = find_spec("skimage")
    if found is None or found.origin is None:
        return []
    folder = Path(found.origin).parent / "data"
    return [folder / name for name in BUNDLED if (folder / name).is_file()]
