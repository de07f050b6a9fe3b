"""Logits collected over batches and processes, and the scores they give."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dropout_ft.data.table import EvaluationTable, table_of_batches
from dropout_ft.results.scores import score
from holdfast.errors import DivergedError
from holdfast.training.indexed_logits import IndexedLogits

FIELDS = ("label", "domain", "part")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one evaluation found; all arrays are in the order of the samples' indices.

    Attributes:
        index: (M,) indices of the samples that were evaluated, each once.
        label: (M,) classes.
        domain: (M,) positions of domains.
        part: (M,) :class:`~dropout_ft.data.table.Part`.
        logits: (M, C) float32 of each set of weights.
    """

    index: NDArray[np.int64]
    label: NDArray[np.int64]
    domain: NDArray[np.int64]
    part: NDArray[np.int64]
    logits: Mapping[str, NDArray[np.float32]]

    @property
    def table(self) -> EvaluationTable:
        """The table of the samples that were evaluated."""
        classes = next(iter(self.logits.values())).shape[1]
        return table_of_batches(self.label, self.domain, self.part, classes)

    def scores(self, step: int = 0) -> dict[str, dict[str, float]]:
        """Return the scores of each set of weights.

        Args:
            step: the optimiser step, for the error.

        Raises:
            DivergedError: some logits are not finite.
        """
        for name, values in self.logits.items():
            bad = int((~np.isfinite(values)).any(axis=1).sum())
            if bad:
                raise DivergedError(
                    f"At step {step} the {name} network's logits of {bad} of {len(values)} images "
                    "are not finite: lower the learning rate or the dropout rate."
                )
        return {name: score(values, self.table) for name, values in self.logits.items()}


@dataclass(kw_only=True)
class CollectedLogits:
    """Rows of an evaluation in the making; the same number of batches on every rank.

    Attributes:
        rows: for each set of weights and each field, what the batches held.
    """

    rows: dict[str, IndexedLogits] = field(default_factory=dict)

    def add(self, batch: Mapping[str, Tensor], logits: Mapping[str, Tensor]) -> None:
        """Add a batch.

        Args:
            batch: has ``index``, ``label``, ``domain`` and ``part``, each (B,).
            logits: (B, C) of each set of weights.
        """
        index = batch["index"]
        for name, values in logits.items():
            self._of(name, values).update(index, values)
        for name in FIELDS:
            self._of(f"batch.{name}", index).update(index, batch[name][:, None])

    def gather(self, device: torch.device) -> Evaluation:
        """Bring the rows of all ranks together."""
        found = {name: metric.to(device).gathered() for name, metric in self.rows.items()}
        fields = {name: found.pop(f"batch.{name}")[1][:, 0].long().cpu().numpy() for name in FIELDS}
        index = next(iter(found.values()))[0].cpu().numpy()
        logits = {name: rows.cpu().numpy() for name, (_, rows) in found.items()}
        return Evaluation(index=index, logits=logits, **fields)

    def iid(self, device: torch.device, step: int) -> dict[str, float]:
        """Return the i.i.d. accuracy of each set of weights so far."""
        scores = self.gather(device).scores(step)
        return {name: values["iid"] for name, values in scores.items()}

    def _of(self, name: str, like: Tensor) -> IndexedLogits:
        if name not in self.rows:
            self.rows[name] = IndexedLogits().to(like.device)
        return self.rows[name]
