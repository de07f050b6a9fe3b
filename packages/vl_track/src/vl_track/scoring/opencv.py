"""OpenCV's CSRT, KCF, MIL, NanoTrack and ViT trackers behind our interface, for comparison."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from holdfast.errors import ConfigError, MissingToolError
from vl_track.data.geometry import Box
from vl_track.tracking.steps import Estimate
from vl_track.video.frames import Image

OpenCVName = Literal["CSRT", "KCF", "MIL"]
NetworkName = Literal["Nano", "Vit"]
FILES: dict[NetworkName, tuple[str, ...]] = {"Nano": ("backbone", "neckhead"), "Vit": ("net",)}
"""OpenCV's trackers that need ONNX files of the user's, and the parameter of each file."""


class OpenCVTracker:
    """One of OpenCV's trackers; it repeats its last box, with score 0, where it reports failure.

    One that cannot start on a box, as MIL on some at the frame's edge, repeats that box.

    Args:
        name: ``CSRT``, ``KCF`` or ``MIL``; ``Nano`` or ``Vit`` with files.
        files: ONNX, as :data:`FILES` says; they are tried on a grey picture at once.

    Raises:
        MissingToolError: this build of OpenCV has no such tracker.
        ConfigError: files are missing, or are not those of this tracker.
    """

    def __init__(self, name: OpenCVName | NetworkName, files: Sequence[str] = ()) -> None:
        self.name = name
        self._make = _factory(name) if name not in FILES else _with_files(name, files)
        self._tracker: Any = None
        self._box: Box = (0.0, 0.0, 0.0, 0.0)

    def initialize(self, frame: Image, box: Box | None = None, text: str = "") -> Estimate:
        """Start on a box; the sentence is not used."""
        assert box is not None, "OpenCV's trackers need a box"
        self._tracker = self._make()
        try:
            self._tracker.init(_bgr(frame), tuple(round(value) for value in box))
        except cv2.error:
            self._tracker = None
        self._box = box
        return Estimate(box, 1.0)

    def track(self, frame: Image) -> Estimate:
        """Find the object in the next frame."""
        found, box = (False, self._box) if self._tracker is None else self._follow(frame)
        if found:
            x, y, width, height = (float(value) for value in box)
            self._box = x, y, width, height
        return Estimate(self._box, float(found))

    def _follow(self, frame: Image) -> tuple[bool, Box]:
        try:
            found, box = self._tracker.update(_bgr(frame))
        except cv2.error:  # some cannot cut a window that lies outside the frame
            return False, self._box
        return bool(found), box


def available() -> list[OpenCVName]:
    """Return the trackers this build of OpenCV has."""
    names: tuple[OpenCVName, ...] = ("CSRT", "KCF", "MIL")
    return [name for name in names if _find(name) is not None]


def _find(name: str) -> Any:  # noqa: ANN401  (a factory of OpenCV)
    modules = (cv2, getattr(cv2, "tracking", None), getattr(cv2, "legacy", None))
    for module in modules:
        kind = getattr(module, f"Tracker{name}", None)
        make = getattr(kind, "create", None) or getattr(module, f"Tracker{name}_create", None)
        if make is not None:
            return make
    return None


def _factory(name: str) -> Any:  # noqa: ANN401
    make = _find(name)
    if make is None:
        raise MissingToolError(
            f"This OpenCV has no {name} tracker: run `pip install opencv-contrib-python-headless`."
        )
    return make


def _with_files(name: NetworkName, files: Sequence[str]) -> Callable[[], Any]:
    """Return what makes a tracker of ONNX files, after a trial."""
    names = FILES[name]
    paths = [Path(file).expanduser() for file in files]
    if len(paths) != len(names) or not all(path.is_file() for path in paths):
        raise ConfigError(
            f"OpenCV's Tracker{name} needs {len(names)} ONNX file(s), {', '.join(names)}: "
            f"{', '.join(files) or 'none'} given, and each has to be there."
        )
    create = _factory(name)
    params = getattr(cv2, f"Tracker{name}_Params")()
    for part, path in zip(names, paths, strict=True):
        setattr(params, part, str(path))

    def make() -> Any:  # noqa: ANN401
        return create(params)

    try:
        tracker, grey = make(), np.full((96, 128, 3), 128, np.uint8)
        tracker.init(grey, (40, 30, 40, 32))
        tracker.update(grey)
    except cv2.error as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"{', '.join(files)} cannot be used as OpenCV's Tracker{name} ({reason})."
        ) from error
    return make


def _bgr(frame: Image) -> Image:
    return np.ascontiguousarray(frame[..., ::-1])
