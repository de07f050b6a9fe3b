"""The sound of a source, copied beside new images without being decoded."""

from contextlib import suppress
from typing import Any

import av

MARGIN = 0.5
"""Seconds of sound before an overlay's first frame that a seek may deliver; they are dropped."""


class Sound:
    """Copies packets of sound into a container, as far as the images are.

    Args:
        source: container with sound.
        target: container that is being written.
        begin: seconds in the source at which the target begins.
    """

    def __init__(
        self,
        source: "av.container.InputContainer",
        target: "av.container.OutputContainer",
        begin: float,
    ) -> None:
        self._source, self._target, self._begin = source, target, begin
        stream = source.streams.audio[0]
        self._stream = target.add_stream_from_template(stream)
        self._shift = self._start_of_video(source) + begin
        if begin > 0:
            with suppress(av.error.FFmpegError):
                source.seek(int((self._shift - MARGIN) * av.time_base))
        self._packets = source.demux(stream)
        self._next: av.Packet[Any] | None = None

    @classmethod
    def open(
        cls, where: str | None, target: "av.container.OutputContainer", begin: float
    ) -> "Sound | None":
        """Open the sound of a source; ``None`` where there is none that the target can hold."""
        if where is None:
            return None
        try:
            source = av.open(where)
        except av.error.FFmpegError:
            return None
        try:
            return cls(source, target, begin)
        except (av.error.FFmpegError, ValueError, IndexError):
            source.close()
            return None

    def write_until(self, time: float) -> None:
        """Copy the sound up to a time of the target, in seconds."""
        while True:
            packet, self._next = self._next or self._read(), None
            if packet is None:
                return
            assert packet.time_base is not None
            shift = round(self._shift / packet.time_base)
            begins = (packet.pts - shift) * packet.time_base if packet.pts is not None else 0
            if begins > time:
                self._next = packet
                return
            if packet.pts is None or begins < 0:
                continue
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            packet.stream = self._stream
            self._target.mux(packet)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _read(self) -> "av.Packet[Any] | None":
        with suppress(StopIteration, av.error.FFmpegError):
            packet = next(self._packets)
            return packet if packet.size else None
        return None

    @staticmethod
    def _start_of_video(source: "av.container.InputContainer") -> float:
        video = source.streams.video[0]
        return float((video.start_time or 0) * (video.time_base or 0))
