"""Writing Scenes to disk in LaSOT's layout."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from vl_track.scenes.scene import Scene


def write_scenes(
    scenes: Iterable[Scene],
    root: Path,
    *,
    quality: int = 92,
    first: int = 1,
    testing: bool = False,
    overwrite: bool = False,
) -> list[Path]:
    """Write ``<noun>/<noun>-<n>/{img/, groundtruth.txt, ...}`` for every scene.

    A folder appears only when it is whole. Boxes are whole numbers counted from 1, as LaSOT's.

    Args:
        scenes: to write.
        root: the data set's folder.
        quality: of the JPEG frames, 1 to 100.
        first: number of the first video of each noun.
        testing: add the videos to ``testing_set.txt``, LaSOT's list of the test split.
        overwrite: replace sequences that exist.

    Returns:
        The sequences' folders.

    Raises:
        ConfigError: a sequence of that name exists, such as one of LaSOT itself; none is written.
    """
    counts: dict[str, int] = {}
    planned = []
    for scene in scenes:
        noun = scene.noun.replace(" ", "-")
        counts[noun] = counts.get(noun, 0) + 1
        planned.append((scene, root / noun / f"{noun}-{first - 1 + counts[noun]}"))
    there = [target for _, target in planned if target.exists()]
    if there and not overwrite:
        raise ConfigError(
            f"{there[0]} exists: give --overwrite to replace it, another --first, or another --out."
        )
    folders = [_write(scene, target, quality) for scene, target in planned]
    if testing:
        listed = root / "testing_set.txt"
        before = listed.read_text().split() if listed.is_file() else []
        names = dict.fromkeys([*before, *(folder.name for folder in folders)])
        write_text(listed, "".join(f"{name}\n" for name in names))
    return folders


def _write(scene: Scene, target: Path, quality: int) -> Path:
    building = target.with_name(f".{target.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    (building / "img").mkdir(parents=True)
    for time in range(len(scene)):
        picture = cv2.cvtColor(scene.frame(time), cv2.COLOR_RGB2BGR)
        path = building / "img" / f"{time + 1:08d}.jpg"
        if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, quality]):
            raise DataError(f"{path} could not be written: check the space on the disk.")
    times = range(len(scene))
    boxes = "".join(_row(scene.box(time)) for time in times)
    write_text(building / "groundtruth.txt", boxes)
    outside = [scene.out_of_view(time) for time in times]
    hidden = [not scene.visible(time) and not outside[time] for time in times]
    write_text(building / "out_of_view.txt", _flags(outside))
    write_text(building / "full_occlusion.txt", _flags(hidden))
    write_text(building / "nlp.txt", scene.sentence)
    shutil.rmtree(target, ignore_errors=True)
    building.replace(target)
    return target


def _row(box: tuple[float, float, float, float]) -> str:
    x, y, width, height = box
    if width == 0:
        return "0,0,0,0\n"
    return f"{round(x) + 1},{round(y) + 1},{max(1, round(width))},{max(1, round(height))}\n"


def _flags(values: list[bool]) -> str:
    return ",".join(str(int(value)) for value in values)
