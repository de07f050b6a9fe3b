"""``vl-track vot``: the tracker as the VOT toolkit starts it."""

import sys

from vl_track.commands.presets import make_tracker
from vl_track.runtimes import Precision, Runtime
from vl_track.tracking.options import TrackerOptions
from vl_track.vot import Session, serve


def vot(
    *,
    weights: str | None = None,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    text: str = "",
    options: TrackerOptions | None = None,
) -> None:
    """Answer the VOT toolkit, or any other TraX client, until it is done.

    Name this command in a ``trackers.ini``; see docs/vot.md.

    Args:
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        text: a sentence about every object; a client that knows one sends it as the property
            ``sentence`` instead.
        options: of the tracker.
    """
    tracker = make_tracker(weights, options, device, runtime, precision, classes)
    session = Session(tracker.network, options, tracker.device, text, tracker.judge)
    sys.stderr.write(f"{serve(session)} frames answered.\n")
