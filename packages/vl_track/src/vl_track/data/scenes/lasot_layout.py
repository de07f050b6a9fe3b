"""Writing Scenes to disk in LaSOT's layout (facts 3.8)."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2

from holdfast.atomic import write_text
from holdfast.errors import DataError
from vl_track.data.scenes.scene import Scene


def write_scenes(scenes: Iterable[Scene], root: Path, *, quality: int = 92) -> list[Path]:
    """Write ``<noun>/<noun>-<n>/{img/, groundtruth.txt, ...}`` for every scene.

    A folder appears only when it is whole. Boxes are whole numbers counted from 1, as LaSOT's.

    Args:
        scenes: to write.
        root: the data set's folder.
        quality: of the JPEG frames, 1 to 100.

    Returns:
        The sequences' folders.
    """
    counts: dict[str, int] = {}
    folders = []
    for scene in scenes:
        noun = scene.noun.replace(" ", "-")
        counts[noun] = counts.get(noun, 0) + 1
        folders.append(_write(scene, root / noun / f"{noun}-{counts[noun]}", quality))
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
