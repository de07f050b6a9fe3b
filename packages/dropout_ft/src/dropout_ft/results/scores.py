"""Accuracies of every domain and part, from one matrix of logits."""

from typing import Literal

import numpy as np

from dropout_ft.data.table import EvaluationTable
from holdfast.errors import DataError

TestPart = Literal["whole", "in", "out"]
"""What of a domain left out is scored: all of it, or its 80 % or 20 % part."""

Logits = np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise softmax of (N, C) logits."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalised: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return normalised


def accuracy(logits: Logits, label: np.ndarray) -> float:
    """Fraction of the rows of (N, C) logits whose first maximum is the label; nan without rows."""
    if len(label) == 0:
        return float("nan")
    return float((logits.argmax(axis=1) == label).mean())


def score(logits: Logits, table: EvaluationTable) -> dict[str, float]:
    """Score (N, C) logits whose rows are those of the table.

    Returns:
        ``env{i}_in_acc`` and ``env{i}_out_acc`` under DomainBed's names (the ``in`` part of a
        training domain is not evaluated and therefore absent);
        ``iid``: mean over the training domains of their ``out`` accuracy;
        ``ood``, ``ood_in``, ``ood_out``: mean over the test domains of the accuracy on all their
        pictures, on the 80 % ``in`` part that DomainBed's tables use, and on the 20 % ``out`` part;
        absent where every domain is trained on.
        A test domain whose images were not evaluated (:mod:`dropout_ft.training.deferral`) has no
        keys, and then neither has ``ood``.

    Raises:
        DataError: a logit that was evaluated is not finite.
    """
    missing = left_out(logits, table)
    values: dict[str, float] = {}
    iid, whole, inside, outside = [], [], [], []
    for domain in range(len(table.domain_names)):
        of_domain = table.domain == domain
        if not of_domain.any() or (of_domain & missing).any():
            continue
        out = _accuracy_where(logits, table, of_domain & table.held_out)
        values[f"env{domain}_out_acc"] = out
        if domain not in table.test_domains:
            iid.append(out)
            continue
        values[f"env{domain}_in_acc"] = _accuracy_where(logits, table, of_domain & ~table.held_out)
        inside.append(values[f"env{domain}_in_acc"])
        outside.append(out)
        whole.append(_accuracy_where(logits, table, of_domain))
    if iid:
        values["iid"] = float(np.mean(iid))
    if whole and not missing.any():
        values["ood"] = float(np.mean(whole))
        values["ood_in"] = float(np.mean(inside))
        values["ood_out"] = float(np.mean(outside))
    return values


def iid_rows(table: EvaluationTable) -> np.ndarray:
    """Return (N,) bool: the ``out`` parts of the training domains, by which models are chosen."""
    chosen: np.ndarray = table.held_out & ~table.of_test
    return chosen


def iid_loss(logits: Logits, table: EvaluationTable) -> float:
    """Return the mean over training domains of the cross-entropy on their ``out`` parts."""
    values = logits.astype(np.float64)
    shifted = values - values.max(axis=1, keepdims=True)
    normalised = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    losses = -normalised[np.arange(len(values)), table.label]
    rows = iid_rows(table)
    domains = np.unique(table.domain[rows])
    return float(np.mean([losses[rows & (table.domain == one)].mean() for one in domains]))


def left_out(logits: np.ndarray, table: EvaluationTable) -> np.ndarray:
    """Return (N,) bool: rows of test domains the network was not asked for; they are nan.

    Raises:
        DataError: any other row has a logit that is not finite.
    """
    empty: np.ndarray = np.isnan(logits).all(axis=1) & table.of_test
    if not np.isfinite(logits[~empty]).all():
        raise DataError("Some logits are not finite: they are the answers of a diverged network.")
    return empty


def _accuracy_where(logits: Logits, table: EvaluationTable, rows: np.ndarray) -> float:
    return accuracy(logits[rows], table.label[rows])
