"""Estimates of a classifier's accuracy on pictures without labels.

Three published ones; each needs the labelled i.i.d. validation pictures and the answers on the
unlabelled ones, and none trains anything. All take probabilities after temperature scaling.
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
MODELS_FOR_A_LINE = 3


def difference_of_confidences(iid: Floats, label: Labels, site: Floats) -> float:
    """Lower the i.i.d. accuracy by as much as the mean confidence falls (Guillory et al. 2021).

    Args:
        iid: (N, C) probabilities on the labelled pictures.
        label: (N,) their classes.
        site: (M, C) probabilities on the unlabelled ones.

    Returns:
        The estimated accuracy, in [0, 1].
    """
    accuracy = float((iid.argmax(axis=1) == label).mean())
    fall = float(iid.max(axis=1).mean() - site.max(axis=1).mean())
    return min(1.0, max(0.0, accuracy - fall))


def average_thresholded_confidence(iid: Floats, label: Labels, site: Floats) -> float:
    """Count the answers above a threshold (ATC with maximum confidence; Garg et al. 2022).

    The threshold is the one below which as many labelled pictures lie as are answered wrongly.

    Args:
        iid: (N, C) probabilities on the labelled pictures.
        label: (N,) their classes.
        site: (M, C) probabilities on the unlabelled ones.

    Returns:
        The estimated accuracy, in [0, 1].
    """
    wrong = int((iid.argmax(axis=1) != label).sum())
    if wrong == len(label):
        return 0.0
    threshold = np.sort(iid.max(axis=1))[wrong]
    return float((site.max(axis=1) >= threshold).mean())


def agreement_on_the_line(
    iid: Sequence[Floats], label: Labels, site: Sequence[Floats]
) -> list[float]:
    """Carry the line of agreements over to accuracies (ALine-S; Baek et al. 2022).

    The agreement of every pair of models, i.i.d. and at the site, lies on a line after the inverse
    normal distribution function, and accuracies lie on the same line.

    Args:
        iid: (N, C) probabilities of each model on the labelled pictures.
        label: (N,) their classes.
        site: (M, C) probabilities of each model on the unlabelled ones.

    Returns:
        The estimated accuracy of each model, in [0, 1]; nan where there is no line: with fewer than
        three models, or where every pair agrees alike.
    """
    if len(iid) < MODELS_FOR_A_LINE:
        return [float("nan")] * len(iid)
    pairs = list(combinations(range(len(iid)), 2))
    x = [_probit(_agreement(iid[a], iid[b]), len(label)) for a, b in pairs]
    y = [_probit(_agreement(site[a], site[b]), len(site[a])) for a, b in pairs]
    if np.ptp(x) == 0:
        return [float("nan")] * len(iid)
    slope, bias = np.polyfit(x, y, 1)
    accuracies = [float((one.argmax(axis=1) == label).mean()) for one in iid]
    return [
        NormalDist().cdf(float(slope) * _probit(accuracy, len(label)) + float(bias))
        for accuracy in accuracies
    ]


def half_width(errors: Sequence[float], level: float = 0.95) -> float:
    """Half the width of the interval that a new site's accuracy lies in around its estimate.

    The estimate's errors on domains whose truth is known are taken as normal around 0; a new site's
    is one more of them. Few domains make it wide: the factor is 12.7 for one, 2.8 for four.

    Args:
        errors: truth minus estimate of each domain, in any unit; one or more.
        level: coverage, in (0, 1).
    """
    from scipy.stats import t  # noqa: PLC0415  (half a second, for reports only)

    root_mean_square = float(np.sqrt(np.mean(np.square(errors))))
    return float(t.ppf((1 + level) / 2, len(errors))) * root_mean_square


def _agreement(first: Floats, other: Floats) -> float:
    return float((first.argmax(axis=1) == other.argmax(axis=1)).mean())


def _probit(share: float, count: int) -> float:
    """Return the normal quantile of a share of ``count`` pictures, kept off 0 and 1."""
    edge = 0.5 / count
    return NormalDist().inv_cdf(min(1 - edge, max(edge, share)))
