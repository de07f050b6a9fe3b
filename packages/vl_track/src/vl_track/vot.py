"""A TraX server: how the VOT toolkit and its challenges talk to a tracker.

The toolkit starts the program of a ``trackers.ini`` and sends requests in the TraX protocol
(Cehovin, 2017) over its standard streams or a socket; ``vot-trax`` speaks the protocol itself.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch

from holdfast.errors import ConfigError, DataError, HoldfastError, MissingToolError
from vl_track.data.geometry import Box
from vl_track.data.pictures import decode_picture, read_picture
from vl_track.data.video import Picture
from vl_track.nn.network import AllInOne
from vl_track.tracking.tracker import Estimate, Tracker, TrackerOptions

SENTENCE = "sentence"
"""Property of an object, or of the request, with a sentence about it; VOT itself sends none."""


class Session:
    """The trackers of one sequence: one for each object, all on one network.

    Args:
        network: shared.
        options: of every tracker.
        device: where they run.
        text: a sentence about every object that brings none of its own.
    """

    def __init__(
        self,
        network: AllInOne,
        options: TrackerOptions | None = None,
        device: str | torch.device = "cpu",
        text: str = "",
    ) -> None:
        self.network, self.options, self.device, self.text = network, options, device, text
        self.trackers: list[Tracker] = []

    def initialize(self, frame: Picture, objects: Sequence[tuple[Box, str]]) -> list[Estimate]:
        """Forget the objects before and follow these.

        Args:
            frame: RGB uint8 (H, W, 3).
            objects: box and sentence (may be empty) of each.
        """
        self.trackers = []
        return self.add(frame, objects)

    def add(self, frame: Picture, objects: Sequence[tuple[Box, str]]) -> list[Estimate]:
        """Follow further objects from this frame on; the others are not moved."""
        found = []
        for box, sentence in objects:
            tracker = Tracker(self.network, self.options, self.device)
            found.append(tracker.initialize(frame, box, sentence or self.text))
            self.trackers.append(tracker)
        return found

    def track(self, frame: Picture) -> list[Estimate]:
        """Find every object in the next frame, in the order in which they came."""
        return [tracker.track(frame) for tracker in self.trackers]


def serve(session: Session) -> int:
    """Answer TraX requests until the client is done.

    Returns:
        Frames answered.

    Raises:
        MissingToolError: vot-trax is not installed.
        ConfigError: nobody speaks TraX to this process.
    """
    if importlib.util.find_spec("trax") is None:
        raise MissingToolError("The VOT entry point needs vot-trax: `pip install vot-trax`.")
    if os.isatty(0) and "TRAX_SOCKET" not in os.environ:
        raise ConfigError(
            "`vl-track vot` is started by the VOT toolkit, which speaks TraX to it: name it in a "
            "trackers.ini (docs/evaluation.md), and give `vot test NAME`."
        )
    trax: Any = importlib.import_module("trax")
    server = trax.Server(
        [trax.Region.RECTANGLE],
        [trax.Image.PATH, trax.Image.MEMORY, trax.Image.BUFFER],
        tracker_name="vl_track",
        tracker_family="holdfast",
        metadata={"vot": "python"},
        multiobject=True,
    )
    try:
        # The protocol owns the standard output: nothing else may be written there.
        with redirect_stdout(sys.stderr):
            frames = _loop(trax, server, session)
    except trax.TraxException as error:
        raise DataError(f"The TraX client broke off ({error}): see the toolkit's log.") from error
    except HoldfastError as error:
        server.quit(str(error))
        raise
    server.quit()
    return frames


def _loop(trax: Any, server: Any, session: Session) -> int:  # noqa: ANN401
    frames = 0
    while (estimates := _answer(trax, server.wait(), session)) is not None:
        server.status([_reply(trax, estimate) for estimate in estimates])
        frames += 1
    return frames


def _answer(trax: Any, request: Any, session: Session) -> list[Estimate] | None:  # noqa: ANN401
    if request.type == trax.TraxStatus.QUIT:
        return None
    frame = _picture(trax, request.image["color"])
    asked = request.properties.get(SENTENCE) or ""
    objects = [_told(region, properties, asked) for region, properties in request.objects or ()]
    if request.type == trax.TraxStatus.INITIALIZE:
        return session.initialize(frame, objects)
    estimates = session.track(frame)
    return [*estimates, *session.add(frame, objects)]


def _told(region: Any, properties: Any, asked: str) -> tuple[Box, str]:  # noqa: ANN401
    x, y, width, height = region.bounds()
    return (float(x), float(y), float(width), float(height)), properties.get(SENTENCE) or asked


def _reply(trax: Any, estimate: Estimate) -> tuple[Any, dict[str, float]]:  # noqa: ANN401
    return trax.Rectangle.create(*estimate.box), {"confidence": estimate.score}


def _picture(trax: Any, image: Any) -> Picture:  # noqa: ANN401
    if image.type() == trax.Image.PATH:
        return read_picture(Path(image.path()))
    if image.type() == trax.Image.BUFFER:
        return decode_picture(image.buffer(), "the frame the client sent")
    found = np.asarray(image.array())
    if found.shape[2:] == (1,):
        found = np.repeat(found, 3, axis=2)
    if found.dtype != np.uint8 or found.shape[2:] != (3,):
        raise DataError(f"The client sent a frame of type {found.dtype}, shape {found.shape}.")
    return np.ascontiguousarray(found)
