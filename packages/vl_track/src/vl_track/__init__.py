"""Vision-language tracking with one transformer (All-in-One, arXiv 2307.03373).

>>> for step in vl_track.load().follow("clip.mp4", text="the cup"):  # doctest: +SKIP
...     print(step.frame, step.time, step.box, step.score)

Names are lazy: torch is imported with the first one that needs it.
"""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import nn

    from vl_track.runtimes import Precision, Runtime
    from vl_track.scoring.evaluating import evaluate
    from vl_track.scoring.sets import open_set
    from vl_track.tracking import Prompt, Step, Tracker, TrackerOptions, follow

__version__ = "0.1.0"
__all__ = ["Prompt", "Step", "Tracker", "TrackerOptions", "evaluate", "follow", "load", "open_set"]
_MODULES = {
    "Prompt": "vl_track.tracking",
    "Step": "vl_track.tracking",
    "Tracker": "vl_track.tracking",
    "TrackerOptions": "vl_track.tracking",
    "evaluate": "vl_track.scoring.evaluating",
    "follow": "vl_track.tracking",
    "open_set": "vl_track.scoring.sets",
}


def load(
    source: "str | Path | None" = None,
    *,
    options: "TrackerOptions | None" = None,
    device: str | None = None,
    runtime: "Runtime" = "auto",
    precision: "Precision" = "auto",
    classes: "Sequence[type[nn.Module]]" = (),
) -> "Tracker":
    """Load a tracker.

    Args:
        source: a model folder (``config.json`` and safetensors, as on the hub), a checkpoint of
            ``vl-track fit``, or nothing for the model that comes with the package.
        options: choices at test.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes (:func:`vl_track.choosing.choose`).
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own that the source may name.

    Examples:
        >>> tracker = vl_track.load()                                        # doctest: +SKIP
        >>> tracker.initialize(first, box=(40, 30, 50, 80), text="the cup")  # doctest: +SKIP
        >>> box, score = tracker.track(image)                                # doctest: +SKIP

    Raises:
        CheckpointError: the source is missing, damaged, or not a tracker of ours.
        ConfigError: this machine has no such device, or the runtime no such precision.
    """
    from vl_track import opening  # noqa: PLC0415  (slow to import)

    return opening.load_tracker(
        source,
        options=options,
        device=device,
        runtime=runtime,
        precision=precision,
        classes=classes,
    )


__getattr__ = lazy_names(__name__, _MODULES)
