"""Lightning callbacks both tracks use."""

from holdfast.training.callbacks.best_checkpoint import BestCheckpoint
from holdfast.training.callbacks.last_checkpoint import LastCheckpoint
from holdfast.training.callbacks.last_step import EvaluateLastStep
from holdfast.training.callbacks.progress import LineProgress, StepProgressBar, default_progress
from holdfast.training.callbacks.run_record import RunRecord
from holdfast.training.callbacks.step_seed import StepSeed
from holdfast.training.callbacks.stop_diverged import StopDiverged
from holdfast.training.callbacks.weight_averaging import GuardedWeightAveraging

__all__ = [
    "BestCheckpoint",
    "EvaluateLastStep",
    "GuardedWeightAveraging",
    "LastCheckpoint",
    "LineProgress",
    "RunRecord",
    "StepProgressBar",
    "StepSeed",
    "StopDiverged",
    "default_progress",
]
