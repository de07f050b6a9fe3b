"""Stand-ins for tracking tests: a network that finds a colour, and small clips on disk."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from torch import Tensor

from scenes_support import tiny_network
from vl_track.data.geometry import Box
from vl_track.nn.heads.centre import CentreMaps
from vl_track.nn.network import AllInOne, Output
from vl_track.video.frames import Image

RED = (230, 20, 20)


class FindsRed(AllInOne):
    """An honest oracle in place of training: it points at the reddest cells of the search crop.

    Its score is the share of red there, so an object out of sight scores low.
    """

    def __init__(self) -> None:
        network = tiny_network()
        super().__init__(network.backbone, network.text)
        self.asked: list[Tensor] = []

    def forward(  # type: ignore[override]
        self, template: Tensor, search: Tensor, sentences: object, keep: object = None,
        target: object = None,
    ) -> Output:  # fmt: skip
        """Return maps whose best cell and box are those of the red pixels."""
        self.asked.append(template.clone())
        grid, count = self.backbone.search_grid, len(search)
        pixels = search.float()
        red = ((pixels[:, 0] > 150) & (pixels[:, 1] < 90)).float()
        score = torch.full((count, 1, grid, grid), 1e-3)
        size, offset = torch.full((count, 2, grid, grid), 0.1), torch.zeros(count, 2, grid, grid)
        for one in range(count):
            rows, columns = torch.nonzero(red[one], as_tuple=True)
            if len(rows) < 4:
                continue
            side = red.shape[-1]
            low = torch.stack([columns.min(), rows.min()]) / side
            high = (torch.stack([columns.max(), rows.max()]) + 1) / side
            centre = (low + high) / 2 * grid
            x, y = (int(value.clamp(0, grid - 1)) for value in centre)
            score[one, 0, y, x] = 0.9
            size[one, :, y, x] = high - low
            offset[one, :, y, x] = centre - torch.tensor([x, y])
        empty = torch.zeros(count, grid**2, 1)
        text = self.text([""] * count)
        return Output(CentreMaps(score, size, offset), None, text, None, empty)  # type: ignore[arg-type]


def frame_with(box: Box | None, size: tuple[int, int] = (160, 120)) -> Image:
    """A grey frame (width, height) with a red rectangle."""
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    if box is not None:
        x, y, width, height = (round(value) for value in box)
        cv2.rectangle(picture, (x, y), (x + width - 1, y + height - 1), RED, -1)
    return picture


def moving_box(time: int) -> Box:
    """Where the rectangle of :func:`write_clip` is."""
    return 30.0 + 2 * time, 40.0 + time, 24.0, 20.0


def write_clip(
    path: Path, count: int = 12, size: tuple[int, int] = (160, 120), begin: int = 0
) -> Path:
    """Write an H.264 clip of the moving rectangle, 10 frames a second.

    Args:
        path: to write.
        count: of frames.
        size: of the frames.
        begin: time of the first frame, in tenths of a second.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"crf": "10", "g": "4", "bf": "0"}
        for time in range(count):
            picture = av.VideoFrame.from_ndarray(frame_with(moving_box(time), size), "rgb24")
            picture.pts, picture.time_base = begin + time, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def write_pictures(folder: Path, names: list[str], size: tuple[int, int] = (160, 120)) -> Path:
    """Write one picture a name, the rectangle moving in the order of the list."""
    folder.mkdir(parents=True, exist_ok=True)
    for time, name in enumerate(names):
        cv2.imwrite(str(folder / name), frame_with(moving_box(time), size)[..., ::-1])
    return folder
