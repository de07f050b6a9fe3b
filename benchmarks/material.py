"""Pictures and trees that the benchmarks read, from real photographs where there are any."""

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PHOTOGRAPHS = "scenes_photographs"
QUALITY = 90
FRAME_QUALITY = 80


def photographs(size: tuple[int, int], count: int) -> tuple[list[NDArray[np.uint8]], str]:
    """Return BGR pictures of a size, and where they come from."""
    root = Path(os.environ.get("HOLDFAST_DATA", "data")) / PHOTOGRAPHS
    found = sorted(path for path in root.rglob("*") if path.suffix in {".jpg", ".png"})[:count]
    pictures = [cv2.resize(cv2.imread(str(path)), size) for path in found]
    if pictures:
        return pictures, f"{len(pictures)} real photographs (data/{PHOTOGRAPHS})"
    generator = np.random.default_rng(0)
    for _ in range(count):
        coarse = generator.integers(0, 256, (size[1] // 16, size[0] // 16, 3), dtype=np.uint8)
        pictures.append(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
    return pictures, "synthetic pictures (no photographs prepared: make scenes)"


def domain_folder(place: Path, *, each: int = 24, domains: int = 3) -> str:
    """Write domains of four classes of 500 x 375 JPEGs; return what the pictures are."""
    pictures, source = photographs((500, 375), 12)
    for number in range(domains * 4 * each):
        domain, rest = divmod(number, 4 * each)
        folder = place / f"d{domain}" / f"c{rest // each}"
        folder.mkdir(parents=True, exist_ok=True)
        turned = np.roll(pictures[number % len(pictures)], 7 * number, axis=1)
        cv2.imwrite(
            str(folder / f"{rest % each:04d}.jpg"), turned, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        )
    return f"{domains * 4 * each} JPEGs of 500 x 375 from {source}"


SIDES = (33, 64, 123, 225, 387)
"""Percentiles 10, 25, 50, 75 and 90 of the square root of a box's area on LaSOT's test set."""


def large_lasot_tree(place: Path, *, classes: int = 20, each: int = 50, frames: int = 2500) -> str:
    """Write sequences in LaSOT's layout that all are links to one video; return what it is."""
    pictures, source = photographs((1280, 720), 1)
    one = place.with_name(f"{place.name}_video")  # OSTrack takes every folder in it for a class
    (one / "img").mkdir(parents=True)
    first = one / "img/00000001.jpg"
    cv2.imwrite(str(first), pictures[0], [cv2.IMWRITE_JPEG_QUALITY, FRAME_QUALITY])
    for number in range(2, frames + 1):
        os.link(first, one / f"img/{number:08d}.jpg")
    boxes = (f"{500 + k % 50},{300 + k % 30},123,123\n" for k in range(frames))
    (one / "groundtruth.txt").write_text("".join(boxes))
    (one / "nlp.txt").write_text("a thing\n")
    for flags in ("full_occlusion", "out_of_view"):
        (one / f"{flags}.txt").write_text(",".join(["0"] * frames) + "\n")
    for number in range(classes * each):
        kind = f"thing{number // each}"
        folder = place / kind / f"{kind}-{number % each + 1}"
        folder.mkdir(parents=True)
        for part in one.iterdir():
            (folder / part.name).symlink_to(part)
    return (
        f"{classes * each} sequences of {frames} frames, all links to one 1280 x 720 JPEG at "
        f"quality 80 from {source}, box 123 px"
    )


def lasot_tree(place: Path, *, frames: int = 60) -> str:
    """Write a video of 1280 x 720 JPEGs in LaSOT's layout for each side, its box wandering."""
    pictures, source = photographs((1280, 720), len(SIDES))
    for number, side in enumerate(SIDES):
        folder = place / "thing" / f"thing-{number + 1}"
        (folder / "img").mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(number)
        middle = np.cumsum(generator.normal(0, 6, (frames, 2)), axis=0) + np.array([640, 360])
        lines = []
        for time, (x, y) in enumerate(middle):
            moved = np.roll(pictures[number % len(pictures)], time, axis=1)
            name = folder / "img" / f"{time + 1:08d}.jpg"
            cv2.imwrite(str(name), moved, [cv2.IMWRITE_JPEG_QUALITY, FRAME_QUALITY])
            lines.append(f"{x - side / 2:.0f},{y - side / 2:.0f},{side},{side}")
        (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")
        (folder / "nlp.txt").write_text("a thing that wanders\n")
        for flags in ("full_occlusion", "out_of_view"):
            (folder / f"{flags}.txt").write_text(",".join(["0"] * frames) + "\n")
    return (
        f"{len(SIDES)} videos of {frames} frames, 1280 x 720 JPEG at quality 80, boxes as large as "
        f"LaSOT's percentiles ({', '.join(map(str, SIDES))} px), from {source}"
    )
