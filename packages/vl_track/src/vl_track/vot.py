"""A TraX server: how the VOT toolkit and its challenges talk to a tracker.

The toolkit starts the program of a ``trackers.ini`` and sends requests in the TraX protocol
(Cehovin, 2017) over its standard streams or a socket; ``vot-trax`` speaks the protocol itself.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.errors import ConfigError, DataError, HoldfastError, MissingToolError
from vl_track.data.geometry import as_box
from vl_track.data.images import decode_image, read_image
from vl_track.finding import Network
from vl_track.tracking.judge import Judge
from vl_track.tracking.loop import follow
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.steps import Prompt, Step
from vl_track.tracking.tracker import Tracker
from vl_track.video.frames import DEFAULT_RATE, Frame, Image

SENTENCE = "sentence"
"""Property of an object, or of the request, that holds a sentence; VOT itself sends none."""


class Session:
    """The objects of one sequence, each with a tracker, all on one network.

    Args:
        network: shared.
        options: of every tracker.
        device: where they run.
        text: a sentence about every object that brings none of its own.
        judge: of presence, by which the alarm rings and a lost object is searched.
    """

    def __init__(
        self,
        network: Network,
        options: TrackerOptions | None = None,
        device: str = "cpu",
        text: str = "",
        judge: Judge | None = None,
    ) -> None:
        self.network, self.options, self.device, self.text = network, options, device, text
        self.judge = judge
        self.objects: list[Iterator[Step]] = []
        self._number = 0
        self._image: Image | None = None

    def initialize(self, image: Image, objects: Sequence[Prompt]) -> list[Step]:
        """Forget the objects before and track these.

        Args:
            image: RGB uint8 (H, W, 3).
            objects: a prompt with a box for each.
        """
        self.objects, self._number = [], 0
        self._image = image
        return self.add(objects)

    def track(self, image: Image, objects: Sequence[Prompt] = ()) -> list[Step]:
        """Find every object in the next image, in the order in which they came.

        Args:
            image: RGB uint8 (H, W, 3).
            objects: further ones, which are tracked from this image on.
        """
        self._image = image
        self._number += 1
        return [next(steps) for steps in self.objects] + self.add(objects)

    def add(self, objects: Sequence[Prompt]) -> list[Step]:
        """Track further objects from the current image on."""
        found = []
        for prompt in objects:
            tracker = Tracker(self.network, self.options, self.device, self.judge)
            steps = follow(tracker, self._frames(), Prompt(prompt.box, prompt.text or self.text))
            self.objects.append(steps)
            found.append(next(steps))
        return found

    def _frames(self) -> Iterator[Frame]:
        """Yield the frame of the latest request, each time one is asked for."""
        while True:
            yield Frame(self._number, self._number / DEFAULT_RATE, self._image)


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
    while (steps := _answer(trax, server.wait(), session)) is not None:
        server.status([_reply(trax, step) for step in steps])
        frames += 1
    return frames


def _answer(trax: Any, request: Any, session: Session) -> list[Step] | None:  # noqa: ANN401
    if request.type == trax.TraxStatus.QUIT:
        return None
    image = _image_of(trax, request.image["color"])
    common = request.properties.get(SENTENCE) or ""
    objects = [_prompt(region, properties, common) for region, properties in request.objects or ()]
    if request.type == trax.TraxStatus.INITIALIZE:
        return session.initialize(image, objects)
    return session.track(image, objects)


def _prompt(region: Any, properties: Any, common: str) -> Prompt:  # noqa: ANN401
    return Prompt(as_box(region.bounds()), properties.get(SENTENCE) or common)


def _reply(trax: Any, step: Step) -> tuple[Any, dict[str, float]]:  # noqa: ANN401
    return trax.Rectangle.create(*step.box), {"confidence": step.score}


def _image_of(trax: Any, image: Any) -> Image:  # noqa: ANN401
    if image.type() == trax.Image.PATH:
        return read_image(Path(image.path()))
    if image.type() == trax.Image.BUFFER:
        return decode_image(image.buffer(), "the frame the client sent")
    found = np.asarray(image.array())
    if found.shape[2:] == (1,):
        found = np.repeat(found, 3, axis=2)
    if found.dtype != np.uint8 or found.shape[2:] != (3,):
        raise DataError(f"The client sent a frame of type {found.dtype}, shape {found.shape}.")
    return np.ascontiguousarray(found)
