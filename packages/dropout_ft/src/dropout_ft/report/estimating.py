"""Will it hold at the new site? Estimates there, and their errors where the truth is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_ft.data.table import rows_digest
from dropout_ft.report.names import run_name
from dropout_ft.results.coordinates import labels
from dropout_ft.results.estimators import (
    Floats,
    Labels,
    agreement_on_the_line,
    average_thresholded_confidence,
    difference_of_confidences,
    half_width,
)
from dropout_ft.results.run import Run
from dropout_ft.results.scores import iid_rows, softmax
from dropout_ft.results.trust import fit_temperature

LINE = "agreement on the line"
ALONE: dict[str, Callable[[Floats, Labels, Floats], float]] = {
    "ATC": average_thresholded_confidence,
    "difference of confidences": difference_of_confidences,
}
"""Estimators of one model alone."""
ESTIMATORS = (*ALONE, LINE)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one run's selected network says; all probabilities are temperature-scaled.

    Attributes:
        name: method and rate.
        test_name: the domains the run left out.
        pictures: equal for runs that were scored on the same pictures, row for row.
        iid: (N, C) on the labelled i.i.d. validation pictures.
        label: (N,) their classes.
        left_out: (L, C) on the pictures of the domains left out.
        truth: accuracy there, in [0, 1].
        site: (M, C) on the unlabelled pictures.
    """

    name: str
    test_name: str
    pictures: tuple[str, str]
    iid: Floats
    label: Labels
    left_out: Floats
    truth: float
    site: Floats


@dataclass(frozen=True, kw_only=True)
class Check:
    """An estimate where the truth is known, means over the runs of a method; in percent.

    Attributes:
        name: method and rate.
        estimator: one of ``ESTIMATORS``.
        test_name: the domains left out.
        estimate: of the accuracy there.
        truth: the accuracy there.
    """

    name: str
    estimator: str
    test_name: str
    estimate: float
    truth: float

    @property
    def error(self) -> float:
        """Truth minus estimate, in points."""
        return self.truth - self.estimate


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An estimate at the site, the mean over the runs of a method; in percent.

    Attributes:
        name: method and rate.
        estimator: one of ``ESTIMATORS``.
        value: estimated accuracy; nan where the estimator cannot be computed.
        low: lower end of the 95 % interval, not below 0.
        high: upper end, not above 100.
        typical_error: root mean square of its errors on the domains left out, in points.
        domains: how many of these there are.
        runs: averaged.
    """

    name: str
    estimator: str
    value: float
    low: float
    high: float
    typical_error: float
    domains: int
    runs: int


def evidence_of(
    run: Run, step: int, site: np.ndarray, names: dict[tuple[object, ...], str]
) -> Evidence:
    """Return what a run says.

    Args:
        run: with saved logits.
        step: of the network that answered at the site.
        site: (M, C) its logits there, each row up to a constant.
        names: labels of groups of runs, of :func:`dropout_ft.results.coordinates.labels`.
    """
    logits, table = run.logits[step]["current"].astype(np.float64), run.table
    inside, outside = iid_rows(table), table.of_test
    temperature = fit_temperature(logits[inside], table.label[inside])
    left_out = logits[outside]
    where = run.coordinates
    return Evidence(
        name=run_name(where, names.get(where.group, "")),
        test_name=where.test_name,
        pictures=(where.data, rows_digest(table)),
        iid=softmax(logits[inside] / temperature),
        label=table.label[inside],
        left_out=softmax(left_out / temperature),
        truth=float((left_out.argmax(axis=1) == table.label[outside]).mean()),
        site=softmax(site.astype(np.float64) / temperature),
    )


def labels_of(runs: Sequence[Run]) -> dict[tuple[object, ...], str]:
    """Return a label for each group of runs."""
    groups = {run.coordinates.group: run.coordinates for run in runs}
    return dict(labels(list(groups.values())))


def estimates_of(found: Sequence[Evidence]) -> tuple[list[Estimate], list[Check]]:
    """Return the estimates at the site and their checks on every domain left out.

    Runs that were scored on the same pictures are one another's peers for the agreement on the
    line, whatever their rate. Other splits or parts of the same domains have their own lines.
    """
    at_site = _by_estimator(found, lambda one: one.site)
    known = _by_estimator(found, lambda one: one.left_out)
    estimates, checks = [], []
    for name in dict.fromkeys(one.name for one in found):
        own = [place for place, one in enumerate(found) if one.name == name]
        for estimator in ESTIMATORS:
            errors = []
            for test_name in dict.fromkeys(found[place].test_name for place in own):
                at = [place for place in own if found[place].test_name == test_name]
                check = Check(
                    name=name,
                    estimator=estimator,
                    test_name=test_name,
                    estimate=100 * float(np.mean([known[estimator][place] for place in at])),
                    truth=100 * float(np.mean([found[place].truth for place in at])),
                )
                checks.append(check)
                errors.append(check.error)
            value = 100 * float(np.mean([at_site[estimator][place] for place in own]))
            estimates.append(_estimate(name, estimator, value, errors, len(own)))
    return estimates, checks


def surest_estimator(estimates: Sequence[Estimate]) -> Estimate:
    """Return the estimate whose errors on the domains left out were the least.

    Raises:
        ValueError: none could be computed.
    """
    usable = [one for one in estimates if np.isfinite(one.value) and np.isfinite(one.low)]
    if not usable:
        raise ValueError("no estimate could be computed")
    return min(usable, key=lambda one: one.typical_error)


def label_first(found: Sequence[Evidence], count: int = 50) -> list[int]:
    """Return the pictures of the site to label first: where the models together know least.

    These have the largest entropy of the mean probability over all runs: models that are unsure
    and models that contradict each other both raise it.
    """
    mean = np.mean([one.site for one in found], axis=0)
    entropy = -(mean * np.log(np.maximum(mean, 1e-300))).sum(axis=1)
    return [int(place) for place in np.argsort(-entropy, kind="stable")[:count]]


def _by_estimator(
    found: Sequence[Evidence], part: Callable[[Evidence], Floats]
) -> dict[str, list[float]]:
    values = {
        name: [estimator(one.iid, one.label, part(one)) for one in found]
        for name, estimator in ALONE.items()
    }
    values[LINE] = [float("nan")] * len(found)
    for pictures in dict.fromkeys(one.pictures for one in found):
        peers = [place for place, one in enumerate(found) if one.pictures == pictures]
        estimated = agreement_on_the_line(
            [found[place].iid for place in peers],
            found[peers[0]].label,
            [part(found[place]) for place in peers],
        )
        for place, value in zip(peers, estimated, strict=True):
            values[LINE][place] = value
    return values


def _estimate(
    name: str, estimator: str, value: float, errors: Sequence[float], runs: int
) -> Estimate:
    half = half_width(errors)
    return Estimate(
        name=name,
        estimator=estimator,
        value=value,
        low=float("nan") if np.isnan(value + half) else max(0.0, value - half),
        high=float("nan") if np.isnan(value + half) else min(100.0, value + half),
        typical_error=float(np.sqrt(np.mean(np.square(errors)))),
        domains=len(errors),
        runs=runs,
    )
