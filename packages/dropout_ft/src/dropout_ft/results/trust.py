"""How far a classifier's probabilities can be trusted: calibration, and accuracy where it is sure.

The temperature (Guo et al. 2017) is fitted on the i.i.d. validation pictures, the only ones that
whoever deploys a model has labels of; it is then used on the domain left out.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dropout_ft.data.table import EvaluationTable
from dropout_ft.results.scores import iid_rows, softmax

BINS = 15
LARGEST_TEMPERATURE = 100.0
COVERAGES = tuple(share / 20 for share in range(1, 21))
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Measures of one set of pictures at one temperature.

    Attributes:
        count: pictures.
        accuracy: in [0, 1].
        ece: expected calibration error, 15 bins of equal width, in [0, 1].
        brier: mean over pictures of the squared distance between probabilities and the true class,
            in [0, 2].
        nll: mean negative log-likelihood, in nats.
        covered: accuracy of the surest share of the pictures, for each share of ``COVERAGES``.
    """

    count: int
    accuracy: float
    ece: float
    brier: float
    nll: float
    covered: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Measures of one network on the i.i.d. part and on the domains left out.

    Attributes:
        temperature: fitted on the i.i.d. part.
        iid: there, as the network answers.
        iid_scaled: there, after scaling; somewhat optimistic, being fitted on the same pictures.
        ood: on the domains left out, as the network answers.
        ood_scaled: there, after scaling.
    """

    temperature: float
    iid: Measures
    iid_scaled: Measures
    ood: Measures
    ood_scaled: Measures


def trust(logits: np.ndarray, table: EvaluationTable) -> Trust:
    """Measure (N, C) logits whose rows are those of the table, all of them evaluated."""
    inside, outside = iid_rows(table), table.of_test
    label = table.label
    found = fit_temperature(logits[inside], label[inside])
    return Trust(
        temperature=found,
        iid=measure(logits[inside], label[inside]),
        iid_scaled=measure(logits[inside], label[inside], found),
        ood=measure(logits[outside], label[outside]),
        ood_scaled=measure(logits[outside], label[outside], found),
    )


def fit_temperature(logits: np.ndarray, label: NDArray[np.int64]) -> float:
    """Return the temperature of the least negative log-likelihood, in [0.01, 100].

    Args:
        logits: (N, C), one row or more.
        label: (N,) classes.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  (half a second, for reports only)

    bound = np.log(LARGEST_TEMPERATURE)
    best = minimize_scalar(
        lambda log: negative_log_likelihood(logits, label, float(np.exp(log))),
        bounds=(-bound, bound),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(best.x))


def negative_log_likelihood(
    logits: np.ndarray, label: NDArray[np.int64], temperature: float = 1.0
) -> float:
    """Return the mean over rows of (N, C) logits divided by a temperature, in nats."""
    values = logits.astype(np.float64) / temperature
    shifted = values - values.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(shifted).sum(axis=1))
    return float((normaliser - shifted[np.arange(len(label)), label]).mean())


def measure(logits: np.ndarray, label: NDArray[np.int64], temperature: float = 1.0) -> Measures:
    """Return the measures of (N, C) logits divided by a temperature."""
    from torchmetrics.functional.classification import (  # noqa: PLC0415  (for reports only)
        multiclass_calibration_error,
    )

    probabilities = softmax(logits.astype(np.float64) / temperature)
    right = logits.argmax(axis=1) == label
    truth = np.eye(logits.shape[1])[label]
    ece = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(label), logits.shape[1], n_bins=BINS
    )
    return Measures(
        count=len(label),
        accuracy=float(right.mean()),
        ece=float(ece),
        brier=float(((probabilities - truth) ** 2).sum(axis=1).mean()),
        nll=negative_log_likelihood(logits, label, temperature),
        covered=accuracy_of_surest(probabilities.max(axis=1), right),
    )


def accuracy_of_surest(confidence: Floats, right: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return the accuracy of the surest share of the pictures, for each share of ``COVERAGES``.

    Pictures that are equally sure count as the mean over them: their order must not matter.

    Args:
        confidence: (N,) probability of the best class.
        right: (N,) whether that class is the true one.
    """
    sure, place = np.unique(-confidence, return_inverse=True)
    counts = np.bincount(place, minlength=len(sure))
    means = np.bincount(place, weights=right, minlength=len(sure)) / counts
    hits = np.concatenate([[0.0], np.cumsum(means[place[np.argsort(place, kind="stable")]])])
    kept = [max(1, round(share * len(right))) for share in COVERAGES]
    return tuple(float(hits[count] / count) for count in kept)
