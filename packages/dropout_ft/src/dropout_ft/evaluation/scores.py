"""Accuracies of every domain and part, from one matrix of logits."""

import numpy as np

from dropout_ft.data.evaluation_table import EvaluationTable

Logits = np.ndarray


def accuracy(logits: Logits, label: np.ndarray) -> float:
    """Share of rows of (N, C) logits whose first maximum is the label; nan without rows."""
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
        pictures, on the 80 % ``in`` part that DomainBed's tables use, and on the 20 % ``out`` part.
    """
    values: dict[str, float] = {}
    iid, whole, inside, outside = [], [], [], []
    for domain in range(len(table.domain_names)):
        of_domain = table.domain == domain
        out = _accuracy_where(logits, table, of_domain & table.held_out)
        values[f"env{domain}_out_acc"] = out
        if domain not in table.test_domains:
            iid.append(out)
            continue
        values[f"env{domain}_in_acc"] = _accuracy_where(logits, table, of_domain & ~table.held_out)
        inside.append(values[f"env{domain}_in_acc"])
        outside.append(out)
        whole.append(_accuracy_where(logits, table, of_domain))
    values["iid"] = float(np.mean(iid))
    values["ood"] = float(np.mean(whole))
    values["ood_in"] = float(np.mean(inside))
    values["ood_out"] = float(np.mean(outside))
    return values


def _accuracy_where(logits: Logits, table: EvaluationTable, rows: np.ndarray) -> float:
    return accuracy(logits[rows], table.label[rows])
