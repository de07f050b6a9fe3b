"""A tracker from a model: network, device and runtime. Torch is imported where it computes."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from holdfast.errors import CheckpointError, ConfigError, HoldfastError
from vl_track.choosing import Choice, choose
from vl_track.devices import choose_device, has_no_gpu
from vl_track.finding import Network
from vl_track.graphs.description import Description
from vl_track.graphs.kept import graph_in, place_for
from vl_track.graphs.network import GraphNetwork
from vl_track.packaged import packaged
from vl_track.runtimes import PACKAGES, Precision, Runtime
from vl_track.tracking.judge import Judge, judge_in
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.tracker import Tracker
from vl_track.tracking.watch import check_asked

if TYPE_CHECKING:
    from torch import nn

    from vl_track.graphs.words import Reader

WORTH_WRITING = 300
"""Frames from which writing a graph, some ten seconds, pays."""
EXPORTER = ("onnx", "onnxscript", "onnxruntime")
Graph = tuple[Path, Description]
"""A folder with a graph, and what is known of it."""


class Settled(NamedTuple):
    """What computes a model.

    Attributes:
        device: ``cpu``, ``cuda``...
        choice: runtime and precision.
        graph: ``None`` for PyTorch.
    """

    device: str
    choice: Choice
    graph: Graph | None


def load_tracker(
    source: str | Path | None = None,
    *,
    options: TrackerOptions | None = None,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    frames: int | None = None,
    classes: "Sequence[type[nn.Module]]" = (),
) -> Tracker:
    """Load a network and make it a tracker; see :func:`vl_track.load`.

    Args:
        source: a model folder, a checkpoint, or ``None`` for the model that comes with the package.
        options: choices at test.
        device: by default a GPU if there is one and the runtime can use it.
        runtime: by default the fastest one that gives PyTorch's boxes.
        precision: of the runtime; see :func:`vl_track.choosing.choose`.
        frames: about how many will be tracked; for few ones no graph is written.
        classes: heads, text encoders and backbones of your own that the source may name.
    """
    network, where = open_network(
        source, device=device, runtime=runtime, precision=precision, frames=frames, classes=classes
    )
    tracker = Tracker(network, options, where, _judge(source, network))
    check_asked(tracker.judge, tracker.options)
    return tracker


def _judge(source: str | Path | None, network: Network) -> Judge | None:
    """Return what a model's folder says of presence."""
    folder = packaged() if source is None else Path(source)
    if not isinstance(network, GraphNetwork):
        return judge_in(folder)
    judge = judge_in(folder, network.description.files if network.folder == folder else None)
    if judge is not None and network.precision != "float32":
        sys.stderr.write(
            f"note: presence and the alarm were fitted in float32, and {network.precision} moves "
            "them: the bound on false alarms is not shown for it.\n"
        )
    return judge


def open_network(
    source: str | Path | None = None,
    *,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    frames: int | None = None,
    classes: "Sequence[type[nn.Module]]" = (),
) -> tuple[Network, str]:
    """Return a network on a runtime, and the device it is for; see :func:`load_tracker`."""
    settled = settle(source, device=device, runtime=runtime, precision=precision, frames=frames,
                     classes=classes)  # fmt: skip
    if settled.graph is None:
        from vl_track import loading  # noqa: PLC0415  (torch comes with it)

        return loading.load_network(source, classes).ready(settled.device), settled.device
    folder, known = settled.graph
    text = None if known.text is not None else _text(source, classes)
    network = GraphNetwork(folder, *settled.choice, description=known, text=text)
    return network, settled.device


def settle(
    source: str | Path | None = None,
    *,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    frames: int | None = None,
    classes: "Sequence[type[nn.Module]]" = (),
) -> Settled:
    """Decide what computes a model, and write its graph if it needs one and has none.

    Arguments and errors as for :func:`open_network`.
    """
    asked = runtime in PACKAGES or precision == "bfloat16"
    choice = choose(runtime, precision)
    where = _device(device, choice, asked=asked)
    if where != "cpu" or choice.runtime == "torch":
        return Settled(where, Choice("torch", "float32"), None)
    place = packaged() if source is None else Path(source)
    found = None if classes else _existing(place)
    if found is None and (asked or _pays(frames, classes)):
        found = _written(place, classes, asked=asked)
    if found is None:
        return Settled(where, Choice("torch", "float32"), None)
    return Settled(where, choose(runtime, precision, found[1].losses), found)


def _device(device: str | None, choice: Choice, *, asked: bool) -> str:
    """Return the device asked for; else the CPU for runtimes asked for, and a GPU if there is one.

    Raises:
        ConfigError: this machine has no such device, or the runtime cannot use it.
    """
    if device is None and choice.runtime != "torch" and (asked or has_no_gpu()):
        return "cpu"
    where = choose_device(device)
    if asked and where != "cpu":
        raise ConfigError("ONNX Runtime and OpenVINO are used on the CPU here: --device cpu.")
    return where


def _existing(place: Path) -> Graph | None:
    """Return the graph in a model's folder, or the one kept for the model."""
    if place.is_dir():
        try:
            known = graph_in(place)
        except CheckpointError as error:
            sys.stderr.write(f"note: the graph beside the weights is left out: {error}\n")
            known = None
        if known is not None:
            return place, known
    kept = place_for(place)
    try:
        known = graph_in(kept)
    except CheckpointError as error:
        sys.stderr.write(f"note: the kept graph is written again: {error}\n")
        return None
    return None if known is None else (kept, known)


def _pays(frames: int | None, classes: "Sequence[type[nn.Module]]") -> bool:
    """Tell whether to write a graph for which nobody asked.

    The code of a user's own classes may change while their weights stay, so it is not written.
    """
    able = all(importlib.util.find_spec(name) is not None for name in EXPORTER)
    return able and not classes and (frames is None or frames >= WORTH_WRITING)


def _written(place: Path, classes: "Sequence[type[nn.Module]]", *, asked: bool) -> Graph | None:
    """Write a graph into the cache; where nobody asked for it, a failure is only said."""
    from vl_track import loading  # noqa: PLC0415  (torch comes with it)
    from vl_track.graphs.writing import keep_graph  # noqa: PLC0415

    network = loading.load_network(place, classes)
    folder = place_for(place)
    sys.stderr.write(f"note: writing the network for other runtimes, once: {folder}\n")
    try:
        keep_graph(network, folder, again=bool(classes))
    except HoldfastError as error:
        if asked:
            raise
        sys.stderr.write(f"note: PyTorch computes, because the graph was not written: {error}\n")
        return None
    return folder, Description.read(folder)


def _text(source: str | Path | None, classes: "Sequence[type[nn.Module]]") -> "Reader":
    """Return a text encoder that only PyTorch has."""
    from vl_track import loading  # noqa: PLC0415
    from vl_track.graphs.writing import TextOf  # noqa: PLC0415

    return TextOf(loading.load_network(source, classes))


def named(network: Network) -> str:
    """Return what computes a network, in words."""
    if isinstance(network, GraphNetwork):
        return f"{network.runtime} in {network.precision}"
    return "torch in float32"
