"""Trackers that are not ours, behind the interface of ours: a Python class, or a TraX program."""

import importlib
import importlib.util
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import numpy as np

from holdfast.errors import ConfigError, DataError, MissingToolError
from holdfast.trusted import import_class
from vl_track.data.geometry import Box, as_box
from vl_track.tracking.steps import Estimate
from vl_track.video.frames import Image

MUST_BE = "no tracker: it needs the methods init(image, box, text) and update(image)"
SENTENCE = "sentence"
"""Property of a TraX object that holds the sentence, as of ``vl-track vot``."""


class TrackerFailedError(DataError):
    """A tracker that is not ours broke off on a video; on the next one it starts anew."""


@runtime_checkable
class InitUpdate(Protocol):
    """What a Python tracker has to have; it is made without arguments."""

    def init(self, image: Image, box: Box | None, text: str) -> object:
        """Start on an image, RGB uint8 (H, W, 3); ``box`` is x, y, width, height in pixels."""

    def update(self, image: Image) -> Sequence[float]:
        """Return the box in the next image: x, y, width, height."""


class ClassTracker:
    """A tracker with ``init`` and ``update``.

    Args:
        name: ``module.Class`` or ``module:Class``, which is imported because the user names it.

    Raises:
        ConfigError: there is no such class, or it has not these methods.
    """

    def __init__(self, name: str) -> None:
        path = name.replace(":", ".")
        kind: type[Any] = import_class(path, [object], option="--tracker", must_be=MUST_BE)
        if not all(callable(getattr(kind, method, None)) for method in ("init", "update")):
            raise ConfigError(f"{name} is {MUST_BE}.")
        self.name, self._kind = name, kind
        self._tracker: InitUpdate | None = None

    def initialize(self, image: Image, box: Box | None = None, text: str = "") -> Estimate:
        """Start on an image.

        Raises:
            TrackerFailedError: the tracker raised an error, or its answer is no box.
        """
        with self._named():
            if self._tracker is None:
                self._tracker = self._kind()
            self._tracker.init(image, box, text)
        return Estimate(box, 1.0) if box is not None else self.track(image)

    def track(self, image: Image) -> Estimate:
        """Find the object in the next image.

        Raises:
            TrackerFailedError: the tracker raised an error, or its answer is no box.
        """
        assert self._tracker is not None, "initialize comes first"
        with self._named():
            answer = self._tracker.update(image)
        return Estimate(_box(answer, self.name), 1.0)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn whatever a stranger's code raises into an error with its name."""
        try:
            yield
        except (Exception, SystemExit) as error:
            self._tracker = None  # in what state it is nobody knows
            raise TrackerFailedError(
                f"{self.name} failed ({type(error).__name__}: {error})."
            ) from error


def _box(answer: Sequence[float], name: str) -> Box:
    try:
        values = np.asarray(answer, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise TrackerFailedError(f"{name} answers {answer!r:.80}, which is no box.") from error
    if values.shape != (4,) or not np.isfinite(values).all():
        raise TrackerFailedError(f"{name} answers {answer!r:.80}: a box is x, y, width, height.")
    return as_box(values)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"--trax {command!r} is no command ({error}).") from error
    if not words or not words[0]:
        raise ConfigError("--trax is empty: give a command, for example 'vl-track vot'.")
    return words


class TraxTracker:
    """A program that speaks TraX over its standard streams, as the VOT toolkit starts it.

    Args:
        command: as in a shell, for example ``vl-track vot``. Nothing of it is given to a shell.

    Raises:
        ConfigError: it cannot be started, or does not speak TraX.
        MissingToolError: vot-trax is not installed.
    """

    def __init__(self, command: str) -> None:
        self.name, self._words = command, _words(command)
        if importlib.util.find_spec("trax") is None:
            raise MissingToolError("A TraX tracker needs vot-trax: `pip install vot-trax`.")
        self._trax: Any = importlib.import_module("trax")
        self._client_module: Any = importlib.import_module("trax.client")
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = None

    def initialize(self, image: Image, box: Box | None = None, text: str = "") -> Estimate:
        """Start on an image; the sentence goes along as the object's property ``sentence``.

        Raises:
            ConfigError: there is no box, without which TraX has no object.
            TrackerFailedError: the program ended or failed.
        """
        if box is None:
            raise ConfigError("A TraX tracker needs a box: take --prompts '[box+text]'.")
        self._connect()
        region = self._trax.Rectangle.create(*box)
        objects = [(region, {SENTENCE: text} if text else {})]
        try:
            self._client.initialize({"color": self._image(image)}, objects, {})
        except self._trax.TraxException as error:
            self.close()
            raise TrackerFailedError(f"{self.name} failed on the first frame ({error}).") from error
        return Estimate(box, 1.0)

    def track(self, image: Image) -> Estimate:
        """Find the object in the next image.

        Raises:
            TrackerFailedError: the program ended or failed; it is started again for the next video.
        """
        try:
            answer, _ = self._client.frame({"color": self._image(image)}, {}, [])
        except self._trax.TraxException as error:
            self.close()
            raise TrackerFailedError(f"{self.name} failed while tracking ({error}).") from error
        return Estimate(_box(answer[0][0].bounds(), self.name), 1.0)

    def close(self) -> None:
        """End the program."""
        if self._client is not None:
            # Freed before its streams are closed: its library writes to them when it is freed.
            self._client.quit()
            self._client = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
        self._process = None

    def _image(self, image: Image) -> object:
        return self._trax.MemoryImage.create(np.ascontiguousarray(image))

    def _connect(self) -> None:
        """Start the program, once for all videos."""
        if self._client is not None:
            return
        try:
            self._process = subprocess.Popen(
                self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(f"{self.name} cannot be started ({error.strerror}).") from error
        streams = self._process.stdin, self._process.stdout
        assert streams[0] is not None
        assert streams[1] is not None
        try:
            self._client = self._client_module.Client(
                stream=(streams[0].fileno(), streams[1].fileno()), log=lambda *_: None
            )
        except self._trax.TraxException as error:
            self.close()
            raise ConfigError(f"{self.name} does not speak TraX ({error}).") from error
