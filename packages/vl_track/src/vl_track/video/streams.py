"""Videos, addresses and cameras, decoded by FFmpeg through PyAV."""

import heapq
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

import av
import numpy as np

from holdfast.errors import DataError
from vl_track.video.frames import DEFAULT_RATE, Frame, Image
from vl_track.video.orientation import display_matrix, upright
from vl_track.video.source import ADDRESS, Source

OPEN_SECONDS, READ_SECONDS = 15.0, 15.0
"""How long an address may take to answer, and then to send something."""
MOST_PIXELS = 8192 * 4608
"""Of a frame: 8K films have fewer. FFmpeg refuses larger ones, also in the middle of a video."""
UNCOUNTED = {"vp8"}
"""Codecs with packets that hold no visible frame, so that packets cannot be counted."""
PROBED = 64
"""Packets that are looked at to tell whether a file has presentation times."""
UNTIMED = {"avi"}
"""Containers that store no presentation times: FFmpeg numbers packets in the order of decoding."""


@dataclass(frozen=True, kw_only=True)
class Stream(Source):
    """A video file or an address.

    Attributes:
        where: path or address.
    """

    where: str

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield upright RGB frames with their own times; see :meth:`Source.frames`.

        A packet whose frame the decoder does not deliver gives a frame without image, with the
        packet's time.
        """
        with closing(_open(self.where)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            timed = container.format.name not in UNTIMED and _has_times(self.where)
            reader = _Reader(self, stream, timed=timed)
            if start > 0 and reader.timed and not self.live:
                reader.skip_to(container, start)
            for frame in reader.frames(container):
                if frame.time >= start:
                    yield frame


@dataclass(frozen=True, kw_only=True)
class Camera(Source):
    """A camera of Video4Linux, until the user stops it."""

    device: str

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield frames for as long as the camera delivers; see :meth:`Source.frames`."""
        try:
            container = av.open(self.device, format="v4l2")
        except (av.error.FFmpegError, ValueError) as error:
            raise DataError(f"The camera {self.device} cannot be opened ({error}).") from error
        number, first = 0, None
        with container:
            try:
                for decoded in container.decode(video=0):
                    now = decoded.time if decoded.time is not None else number / self.rate
                    first = now if first is None else first
                    if now - first >= start:
                        yield Frame(number, now - first, _rgb(decoded))
                    number += 1
            except av.error.FFmpegError as error:
                raise DataError(
                    f"The camera {self.device} stopped after {number} frames ({error}): check its "
                    "cable."
                ) from error


@dataclass
class _Reader:
    """Decodes one video stream, and keeps account of the packets that gave no frame."""

    source: Stream
    stream: "av.VideoStream"
    timed: bool
    number: int = 0
    first_key: int | None = None
    origin: int | None = None
    counted: bool = True
    begun: bool = False
    waiting: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.base = self.stream.time_base or Fraction(1, 1000)
        self.zero = self.stream.start_time or 0
        self.counted = self.timed and self.stream.codec_context.name not in UNCOUNTED

    def skip_to(self, container: "av.container.InputContainer", start: float) -> None:
        """Count the frames before a time without decoding them, and go to the last key before."""
        target = self.zero + round(start / float(self.base))
        before: list[int] = []
        for packet in container.demux(self.stream):
            if packet.dts is not None and packet.dts >= target and packet.is_keyframe:
                break
            if packet.size and packet.pts is not None and not packet.is_discard:
                before.append(packet.pts)
        container.seek(target, stream=self.stream)
        packet = next(container.demux(self.stream))
        key = packet.pts if packet.pts is not None else self.zero
        self.number = sum(pts < key for pts in before)
        container.seek(target, stream=self.stream)

    def frames(self, container: "av.container.InputContainer") -> Iterator[Frame]:
        """Yield every frame from where the container stands."""
        packets = container.demux(self.stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.error.FFmpegError as error:
                yield from self._decode(None)
                raise DataError(
                    f"{self.source.where} cannot be read beyond frame {self.number - 1} ({error})."
                ) from error
            self._expect(packet)
            yield from self._decode(packet)
        yield from self._missing(None)

    def _expect(self, packet: "av.Packet[Any]") -> None:
        """Note that a packet should give a frame."""
        if not packet.size or packet.is_discard:
            return
        if packet.pts is None or not self.timed:
            self.counted = False
            if packet.dts is not None:
                heapq.heappush(self.waiting, packet.dts)
            return
        if self.first_key is None and packet.is_keyframe:
            self.first_key = packet.pts
        heapq.heappush(self.waiting, packet.pts)

    def _decode(self, packet: "av.Packet[Any] | None") -> Iterator[Frame]:
        try:
            decoded = self.stream.decode(packet)
        except av.error.InvalidDataError:
            if not self.counted:
                yield self._next(None, None)
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            raise DataError(
                f"{self.source.where} cannot be decoded beyond frame {self.number - 1} ({error})."
            ) from error
        for frame in decoded:
            if frame.interlaced_frame:
                self.counted = False  # two packets may make one frame
            if self.counted and frame.pts is not None:
                yield from self._missing(frame.pts)
            self.begun = True
            yield self._next(frame.pts, upright(_rgb(frame), display_matrix(frame)))

    def _missing(self, pts: int | None) -> Iterator[Frame]:
        """Yield the frames that should have come before a time; all that are left for ``None``."""
        while self.counted and self.waiting and (pts is None or self.waiting[0] < pts):
            lost = heapq.heappop(self.waiting)
            # Frames before the first key frame belong to a part that was cut off.
            if self.begun or (self.first_key is not None and lost >= self.first_key):
                yield self._next(lost, None)
        if self.waiting and self.waiting[0] == pts:
            heapq.heappop(self.waiting)

    def _next(self, pts: int | None, image: Image | None) -> Frame:
        if self.timed and pts is not None:
            time = float((pts - self.zero) * self.base)
        elif not self.timed and self.waiting:
            # Frames come in their order, so the earliest time that is left is this one's.
            earliest = heapq.heappop(self.waiting)
            self.origin = earliest if self.origin is None else self.origin
            time = float((earliest - self.origin) * self.base)
        else:
            time = self.number / self.source.rate
        self.number += 1
        return Frame(self.number - 1, time, image)


def _has_times(where: str) -> bool:
    """Tell whether a file stores presentation times, and not those of decoding in their place.

    Some writers of MP4 leave out the composition offsets of streams with B-frames. All packets are
    then presented as they are decoded, and the times of decoded frames jump back and forth. Only
    files that look like that are decoded for a test.
    """
    if ADDRESS.match(where):
        return True
    offsets: set[int] = set()
    with closing(_open(where)) as container, suppress(av.error.FFmpegError):
        stream = container.streams.video[0]
        packets = [one for one in islice(container.demux(stream), PROBED) if one.size]
        for one in packets:
            if one.pts is not None and one.dts is not None:
                offsets.add(one.pts - one.dts)
        if not stream.codec_context.has_b_frames:
            return True
    if len(offsets) != 1:
        return True
    last = None
    with closing(_open(where)) as container, suppress(av.error.FFmpegError):
        for frame in islice(container.decode(video=0), PROBED // 2):
            if last is not None and frame.pts is not None and frame.pts < last:
                return False
            last = frame.pts if frame.pts is not None else last
    return True


def open_stream(where: str, *, name: str) -> Stream:
    """Look at a video's description.

    Args:
        where: path or address.
        name: for file names and messages.

    Raises:
        DataError: it is no video, or does not answer.
    """
    with closing(_open(where)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate
        return Stream(
            name=name,
            rate=float(rate) if rate else DEFAULT_RATE,
            count=stream.frames,
            time_base=stream.time_base or Fraction(1, 1000),
            live=bool(ADDRESS.match(where)) and container.duration is None,
            sound=where if container.streams.audio else None,
            where=where,
        )


def _open(where: str) -> "av.container.InputContainer":
    """Open a container that has video."""
    address = bool(ADDRESS.match(where))
    options = {"rtsp_transport": "tcp"} if where.lower().startswith("rtsp") else {}
    try:
        timeout = (OPEN_SECONDS, READ_SECONDS) if address else None
        container = av.open(where, options=options, timeout=timeout)
    except (av.error.FFmpegError, ValueError) as error:
        hint = "check the address" if address else "give another file"
        raise DataError(f"{where} is not a readable video ({error}): {hint}.") from error
    if not container.streams.video:
        container.close()
        raise DataError(f"{where} holds no video stream: give a video.")
    codec = container.streams.video[0].codec_context
    if codec is None:
        container.close()
        raise DataError(f"{where} is in a format that this FFmpeg cannot decode: convert it.")
    if codec.width * codec.height > MOST_PIXELS:
        container.close()
        raise DataError(
            f"{where} has frames of {codec.width} x {codec.height} pixels, and "
            f"{MOST_PIXELS / 1e6:.0f} million are allowed: make it smaller."
        )
    codec.options = {"max_pixels": str(MOST_PIXELS)}
    return container


def _rgb(frame: "av.VideoFrame") -> Image:
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
