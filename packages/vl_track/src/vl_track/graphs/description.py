"""``network.json``: what a tracker has to know of a graph, and the digests of its files."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from holdfast.atomic import write_text
from holdfast.errors import CheckpointError
from vl_track.digests import digest_of
from vl_track.finding import Conventions
from vl_track.runtimes import Precision

GRAPH, FILE = "network.onnx", "network.json"
FORMAT = 2
"""Of ``network.json`` and of the graph's inputs and outputs; others are written anew."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a precision costs on held-out Scenes, against float32.

    Attributes:
        auc_lost: mean over videos of float32's success AUC less this precision's.
        standard_error: of that mean, over videos.
        videos: how many.
    """

    auc_lost: float
    standard_error: float
    videos: int


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is known of a graph.

    Attributes:
        files: SHA-256 of every file that belongs to it, by name.
        template_size: side of the template crop in pixels.
        search_size: side of the search crop in pixels.
        search_grid: cells on a side of the score map.
        template_factor: side of the template crop over the target's side.
        search_factor: side of the search crop over the target's side.
        conventions: how boxes are read.
        text: kind and options of the text encoder; ``None`` where only PyTorch has it.
        outputs: of the graph, in its order.
        losses: what other precisions than float32 cost, where that was measured.
    """

    files: dict[str, str]
    template_size: int
    search_size: int
    search_grid: int
    template_factor: float
    search_factor: float
    conventions: Conventions
    text: dict[str, Any] | None
    outputs: list[str]
    losses: dict[Precision, Loss] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a folder's description and check every file it names.

        Raises:
            CheckpointError: it cannot be read, is of another version, or a file is not the one it
                was written for.
        """
        place = folder / FILE
        try:
            found = json.loads(place.read_text(encoding="utf-8"))
            if found.pop("format") != FORMAT:
                raise CheckpointError(f"{place} is of another version of vl_track.")
            found["conventions"] = Conventions(**found["conventions"])
            found["losses"] = {name: Loss(**one) for name, one in found["losses"].items()}
            description = cls(**found)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{place} cannot be read ({error}).") from error
        for name, digest in description.files.items():
            if Path(name).name != name or digest_of(folder / name) != digest:
                raise CheckpointError(
                    f"{folder / name} is not the file that {FILE} was written for."
                )
        if GRAPH not in description.files:
            raise CheckpointError(f"{place} names no {GRAPH}.")
        return description

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        plain = {"format": FORMAT, **asdict(self), "conventions": self.conventions._asdict()}
        write_text(folder / FILE, json.dumps(plain, indent=1) + "\n")
