"""Whether a model knows that its object is in view: separation, calibration, and a diagram."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc, binary_calibration_error

from holdfast.errors import ConfigError, DataError
from vl_track.data.video import Video
from vl_track.nn.network import AllInOne

BINS = 15
LEAST = 1e-6
STEEPEST = 5.0
"""A fitted temperature lies between exp(-5) and exp(5): of a head that says nothing the best one
would be without end, which no file can hold."""


@runtime_checkable
class LookedAt(Protocol):
    """A video of which only some frames were looked at."""

    def absent(self, time: int) -> bool:
        """Tell whether the frame was looked at and does not show the object."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Frames of like probability: their number, mean probability, and share with the object."""

    count: int
    said: float
    seen: float


@dataclass(frozen=True, kw_only=True)
class PresenceScore:
    """How good probabilities of presence are over frames pooled from all videos.

    Attributes:
        frames: number of frames.
        absent: how many of them do not show the object.
        auroc: area under the ROC curve; not a number where one kind of frame is missing.
        calibration_error: expected calibration error over 15 bins, in [0, 1].
        log_loss: mean negative log likelihood.
        bins: of the reliability diagram.
    """

    frames: int
    absent: int
    auroc: float
    calibration_error: float
    log_loss: float
    bins: tuple[Bin, ...]


def is_known(video: Video, time: int) -> bool:
    """Tell whether it is known of a frame that it shows the object, or that it does not."""
    return not isinstance(video, LookedAt) or video.visible(time) or video.absent(time)


def presence_score(said: NDArray[np.float64], seen: NDArray[np.bool_]) -> PresenceScore:
    """Score probabilities (N,) against the truth (N,)."""
    probability, truth = torch.from_numpy(said), torch.from_numpy(seen).long()
    both = bool(seen.any()) and not bool(seen.all())
    clipped = np.clip(said, LEAST, 1 - LEAST)
    loss = -np.where(seen, np.log(clipped), np.log(1 - clipped)).mean()
    return PresenceScore(
        frames=len(said),
        absent=int((~seen).sum()),
        auroc=float(binary_auroc(probability, truth)) if both else float("nan"),
        calibration_error=float(binary_calibration_error(probability, truth, n_bins=BINS)),
        log_loss=float(loss),
        bins=tuple(_bins(said, seen)),
    )


def _bins(said: NDArray[np.float64], seen: NDArray[np.bool_]) -> Iterable[Bin]:
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    for number in range(BINS):
        inside = place == number
        if inside.any():
            yield Bin(
                count=int(inside.sum()),
                said=float(said[inside].mean()),
                seen=float(seen[inside].mean()),
            )


def fit_calibration(said: NDArray[np.float64], seen: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the temperature and the shift under which logits are most likely.

    Args:
        said: probabilities (N,), before calibration.
        seen: the truth (N,).

    Returns:
        T and b of ``sigmoid(logit / T + b)``; the logarithm of T is within :data:`STEEPEST`.

    Raises:
        DataError: all frames are of one kind.
    """
    if seen.all() or not seen.any():
        raise DataError("Calibration needs frames with the object and frames without it.")
    clipped = np.clip(said, LEAST, 1 - LEAST)
    logits = torch.from_numpy(np.log(clipped / (1 - clipped)))
    truth = torch.from_numpy(seen).double()
    values = torch.zeros(2, dtype=torch.float64, requires_grad=True)  # of log T, and b
    optimizer = torch.optim.LBFGS([values], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = torch.nn.functional.binary_cross_entropy_with_logits(
            logits * torch.exp(-_within(values[0])) + values[1], truth
        )
        found.backward()  # type: ignore[no-untyped-call]
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    log_temperature, shift = _within(values.detach()[0]), values.detach()[1]
    return float(torch.exp(log_temperature)), float(shift)


def _within(value: Tensor) -> Tensor:
    """Return a logarithm of the temperature that stays within :data:`STEEPEST`."""
    return STEEPEST * torch.tanh(value / STEEPEST)


@torch.no_grad()
def calibrate(network: AllInOne, temperature: float, shift: float) -> None:
    """Put a temperature and a shift into a network, on top of those it has."""
    if network.presence is None:
        raise ConfigError("This model does not say whether its object is in view.")
    network.presence.calibrate(temperature, shift)
