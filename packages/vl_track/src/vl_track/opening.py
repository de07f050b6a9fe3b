"""A tracker from a model: network, device and runtime."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from vl_track import fastest, loading
from vl_track.runtime import device_for, on_runtime
from vl_track.runtimes import Precision, Runtime
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.tracker import Tracker


def load_tracker(
    source: str | Path | None = None,
    *,
    options: TrackerOptions | None = None,
    device: str | None = None,
    runtime: Runtime | None = None,
    precision: Precision = "float32",
    frames: int | None = None,
    classes: Sequence[type[nn.Module]] = (),
) -> Tracker:
    """Load a network and make it a tracker; see :func:`vl_track.load`.

    Args:
        source: as for :func:`vl_track.loading.load_network`.
        options: choices at test.
        device: by default a GPU if there is one and the runtime can use it.
        runtime: by default the fastest one that gives PyTorch's boxes.
        precision: of the runtime; any but float32 needs a runtime.
        frames: about how many will be tracked; for few ones no runtimes are measured.
        classes: heads, text encoders and backbones of your own that the source may name.
    """
    where = device_for(runtime or "torch", device)
    network = loading.load_network(source, classes)
    if runtime is None and where == "cpu" and precision == "float32":
        measure = frames is None or frames >= fastest.WORTH_MEASURING
        runtime = fastest.fastest_runtime(network, measure=measure)
    return Tracker(on_runtime(network, runtime or "torch", precision), options, where)
