"""Lightning callbacks both tracks use."""

from holdfast.callbacks.last_checkpoint import LastCheckpoint
from holdfast.callbacks.progress import LineProgress, StepProgressBar, default_progress
from holdfast.callbacks.step_seed import StepSeed
from holdfast.callbacks.stop_diverged import StopDiverged
from holdfast.callbacks.weight_averaging import GuardedWeightAveraging

__all__ = [
    "GuardedWeightAveraging",
    "LastCheckpoint",
    "LineProgress",
    "StepProgressBar",
    "StepSeed",
    "StopDiverged",
    "default_progress",
]
