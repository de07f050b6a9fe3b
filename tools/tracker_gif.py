"""Draw the picture of the tracker in the documents: a clip followed without and with a sentence.

python tools/tracker_gif.py CLIP x,y,w,h "the black cup" docs/pictures/cup.gif
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import vl_track
from holdfast.atomic import atomic_path
from vl_track.commands.track import parse_box
from vl_track.data.geometry import Box
from vl_track.video.frames import Image as Pixels
from vl_track.video.reading import open_source

WIDTH = 288
EVERY = 7
COLOURS = 48


def followed(frames: list[Pixels], box: Box, text: str) -> list[Box]:
    """Return a box a frame."""
    return [step.box for step in vl_track.load().follow(frames, box=box, text=text)]


def drawn(frame: Pixels, box: Box, caption: str) -> Pixels:
    """Return the frame, smaller, with its box and a caption."""
    scale = WIDTH / frame.shape[1]
    picture = Image.fromarray(frame).resize((WIDTH, round(frame.shape[0] * scale)))
    pen = ImageDraw.Draw(picture)
    x, y, width, height = (value * scale for value in box)
    pen.rectangle((x, y, x + width, y + height), outline=(0, 200, 0), width=3)
    pen.rectangle((0, 0, WIDTH, 15), fill=(255, 255, 255))
    pen.text((4, 2), caption, fill=(0, 0, 0))
    return np.asarray(picture)


def main(clip: str, box: str, text: str, target: str) -> None:
    """Write the animation."""
    start = parse_box(box)
    frames = [one.image for one in open_source(clip).frames() if one.image is not None]
    both = {"prompt: a box": followed(frames, start, "")}
    both[f"prompt: a box and '{text}'"] = followed(frames, start, text)
    pictures = [
        np.hstack([drawn(frames[time], boxes[time], prompt) for prompt, boxes in both.items()])
        for time in range(0, len(frames), EVERY)
    ]
    images = [Image.fromarray(one).quantize(COLOURS) for one in pictures]
    with atomic_path(Path(target)) as temporary:
        images[0].save(
            temporary, format="GIF", save_all=True, append_images=images[1:], duration=200, loop=0,
            optimize=True,
        )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
