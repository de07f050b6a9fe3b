"""Vision-language tracking with one transformer (All-in-One, arXiv 2307.03373).

``vl_track.load()`` gives a tracker.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vl_track.runtime import Precision, Runtime
    from vl_track.tracking import Tracker, TrackerOptions

__version__ = "0.1.0"


def load(
    source: "str | Path | None" = None,
    *,
    options: "TrackerOptions | None" = None,
    device: str = "cpu",
    runtime: "Runtime" = "torch",
    precision: "Precision" = "float32",
) -> "Tracker":
    """Load a tracker.

    Args:
        source: a model folder (``config.json`` and safetensors, as on the hub), a checkpoint of
            ``vl-track fit``, or nothing for the model that comes with the package.
        options: choices at test.
        device: ``cpu``, ``cuda``...
        runtime: ``torch``, or, for one frame at a time on the CPU, ``onnx`` or ``openvino``.
        precision: ``float32``; ``bfloat16`` with OpenVINO, ``int8`` with ONNX Runtime.

    Examples:
        >>> tracker = vl_track.load()                                        # doctest: +SKIP
        >>> tracker.initialize(first, box=(40, 30, 50, 80), text="the cup")  # doctest: +SKIP
        >>> box, score = tracker.track(frame)                                # doctest: +SKIP

    Raises:
        CheckpointError: missing, damaged, or not a tracker of ours.
    """
    from vl_track.loading import load_network  # noqa: PLC0415  (slow to import)
    from vl_track.runtime import on_runtime  # noqa: PLC0415
    from vl_track.tracking import Tracker  # noqa: PLC0415

    return Tracker(on_runtime(load_network(source), runtime, precision), options, device)
