"""A network that ONNX Runtime or OpenVINO computes, as the tracker sees it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ConfigError
from vl_track.finding import Bytes, Floats, Found, Sentence
from vl_track.graphs.description import GRAPH, Description
from vl_track.graphs.sessions import check, open_graph
from vl_track.graphs.words import Reader, words_of
from vl_track.runtimes import Precision, Runtime


class GraphNetwork:
    """A folder's graph; see :class:`vl_track.finding.Network`.

    A graph takes one crop at a time: several are computed one after the other.

    Args:
        folder: with ``network.onnx`` and ``network.json``.
        runtime: ``onnx`` or ``openvino``.
        precision: ``float32``; ``bfloat16`` with OpenVINO.
        threads: of the runtime; by default ``OMP_NUM_THREADS``, or as many as it finds good.
        description: of the folder, where it has been read already.
        text: the text encoder, for graphs that have none of their own.

    Raises:
        CheckpointError: a file is missing, damaged, or not the one that belongs there.
        ConfigError: the runtime has no such precision, or the text encoder needs PyTorch.
        MissingToolError: the runtime is not installed.
    """

    def __init__(
        self,
        folder: str | Path,
        runtime: Runtime,
        precision: Precision = "float32",
        *,
        threads: int = 0,
        description: Description | None = None,
        text: Reader | None = None,
    ) -> None:
        check(runtime, precision)
        folder = Path(folder)
        self.folder, self.runtime, self.precision = folder, runtime, precision
        self.description = description or Description.read(folder)
        if text is None and self.description.text is None:
            raise ConfigError(f"The text encoder of {folder} needs PyTorch: give --runtime torch.")
        self.text: Reader = text or words_of(folder, self.description.text or {})
        self.template_factor = self.description.template_factor
        self.search_factor = self.description.search_factor
        self.conventions = self.description.conventions
        self._flat = np.ones((self.search_grid, self.search_grid), np.float32)
        self._run = open_graph(folder / GRAPH, runtime, precision, threads)

    @property
    def template_size(self) -> int:
        """Return the side of a template crop in pixels."""
        return self.description.template_size

    @property
    def search_size(self) -> int:
        """Return the side of a search crop in pixels."""
        return self.description.search_size

    @property
    def search_grid(self) -> int:
        """Return cells on a side of the score map."""
        return self.description.search_grid

    def ready(self, device: str = "cpu") -> Self:
        """Return itself.

        Raises:
            ConfigError: the device is not the CPU.
        """
        if device != "cpu":
            raise ConfigError("ONNX Runtime and OpenVINO are used on the CPU here: --device cpu.")
        return self

    def read(self, sentence: str) -> Sentence:
        """Encode one sentence."""
        return self.text.read(sentence)

    def find(
        self,
        templates: Bytes,
        searches: Bytes,
        sentence: Sentence,
        targets: Floats,
        priors: Floats | None = None,
    ) -> Found:
        """Find the object in search crops; see :meth:`vl_track.finding.Network.find`."""
        rows = [
            self.answers(
                {
                    "template": templates[one],
                    "search": searches[one],
                    "text": sentence.vectors[one],
                    "present": sentence.present[one],
                    "target": targets[one],
                    "prior": self._flat if priors is None else priors[one][0],
                }
            )
            for one in (slice(number, number + 1) for number in range(len(searches)))
        ]
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        named = dict(zip(self.description.outputs, columns, strict=True))
        return Found(named["box"], named["score"], named.get("presence"), named.get("cells"))

    def answers(self, given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the graph's outputs for one crop, from its inputs by name."""
        return self._run(given)
