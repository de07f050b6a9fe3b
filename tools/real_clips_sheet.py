"""Draw the hand annotations of RealClips onto their frames, to be looked at.

python tools/real_clips_sheet.py --split val --out real_clips_val.png
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from holdfast.data.roots import data_root
from vl_track.data.geometry import Box
from vl_track.data.sets.clips import ClipVideo, RealClips
from vl_track.video.frames import Image

CELL, COLUMNS = 180, 10
GREEN, YELLOW = (0, 255, 0), (255, 255, 0)


def cell(frame: Image, box: Box | None, number: int) -> Image:
    """Return the surroundings of a box with the box, or the whole frame of an absence."""
    height, width = frame.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if box is not None:
        reach = 0.75 * max(box[2:]) + 10
        middle = box[0] + box[2] / 2, box[1] + box[3] / 2
        left, top = (max(0, int(value - reach)) for value in middle)
        right = min(width, int(middle[0] + reach))
        bottom = min(height, int(middle[1] + reach))
    zoom = CELL / max(right - left, bottom - top)
    part = np.ascontiguousarray(frame[top:bottom, left:right])
    part = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    if box is not None:
        corners = [
            (round((x - left) * zoom), round((y - top) * zoom))
            for x, y in ((box[0], box[1]), (box[0] + box[2], box[1] + box[3]))
        ]
        cv2.rectangle(part, corners[0], corners[1], GREEN, 1)
    said = str(number) if box is not None else f"{number} absent"
    cv2.putText(part, said, (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.45, YELLOW, 1)
    shown = np.zeros((CELL + 2, CELL + 2, 3), np.uint8)
    shown[: part.shape[0], : part.shape[1]] = part[: CELL + 2, : CELL + 2]
    return shown


def rows_of(video: ClipVideo) -> list[Image]:
    """Return rows of cells: every frame of an object that was looked at."""
    cells = [
        cell(video.frame(time), video.box(time) if video.visible(time) else None,
             video.first + time)
        for time in range(len(video))
        if video.visible(time) or video.absent(time)
    ]  # fmt: skip
    cells += [np.zeros_like(cells[0])] * (-len(cells) % COLUMNS)
    return [np.hstack(cells[at : at + COLUMNS]) for at in range(0, len(cells), COLUMNS)]


def main() -> None:
    """Write the sheet of a half."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=["val", "test"], default="val")
    parser.add_argument("--out", required=True)
    parser.add_argument("--root")
    given = parser.parse_args()
    videos = RealClips(data_root(given.root), given.split)
    rows = [row for name in videos.names for row in rows_of(videos.read(name))]
    _, packed = cv2.imencode(".png", np.vstack(rows)[..., ::-1])
    Path(given.out).write_bytes(packed.tobytes())


if __name__ == "__main__":
    main()
