"""Scoring weights on the data of a run that was trained with others."""

from collections.abc import Iterable, Mapping
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from dropout_ft.data.recorded import recorded_data
from dropout_ft.data.table import same_rows
from dropout_ft.loading import choose_weights, load_classifier
from dropout_ft.results.run import Run
from dropout_ft.results.scores import score
from holdfast.checkpoints.reading import check_same_architecture, read_checkpoint
from holdfast.errors import DataError
from holdfast.runs.fingerprint import describe_change
from holdfast.runs.record import read_record

_PREFIX = "model."


def final_weights(run: Run) -> dict[str, Tensor]:
    """Return the weights of the classifier after a run's last step."""
    path = run.directory.last
    found = choose_weights(path, read_checkpoint(path), "current")
    return {n.removeprefix(_PREFIX): v for n, v in found.items() if n.startswith(_PREFIX)}


class Reevaluation:
    """A run's network and data, built once, into which any weights can be put.

    Args:
        run: gives configuration, data and final weights.

    Raises:
        DataError: the data is no longer what the run was trained on, or is of a class that is not
            known.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        record = read_record(run.directory.record)
        trusted = run.trusted
        self.model = load_classifier(
            run.directory.last, weights="current", backbones=trusted.backbones
        ).model
        on_cpu = (record.get("identity") or {}).get("accelerator") == "cpu"
        self.device = torch.device("cuda" if torch.cuda.is_available() and not on_cpu else "cpu")
        self.model = self.model.to(self.device)
        self.final = final_weights(run)
        config = (record.get("config") or {}).get("data")
        self.data = recorded_data(config, run.directory.record, trusted.sources)
        self.data.use_network(self.model)
        self.data.seed = run.coordinates.seed
        before = (record.get("identity") or {}).get("data")
        self._check_data(before if isinstance(before, dict) else {})

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Put weights into the network."""
        check_same_architecture(weights, self.model.state_dict(), source="The weights")
        self.model.load_state_dict(dict(weights))

    @torch.no_grad()
    def logits(self, weights: Mapping[str, Tensor]) -> np.ndarray:
        """Return (N, C) float32 logits of weights, in the order of the table."""
        self.load(weights)
        model = self.model.eval()
        rows = [model(batch["input"]).float().cpu() for batch in self._batches(0)]
        return torch.cat(rows).numpy()

    def scores(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        """Return the scores of weights."""
        return score(self.logits(weights), self.run.table)

    @torch.no_grad()
    def features(
        self, weights: Mapping[str, Tensor], *, training_batches: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Return representations (N, F) and labels (N,).

        Args:
            weights: of the network.
            training_batches: of so many training batches; 0 for the rows of the table.
        """
        self.load(weights)
        model = self.model.eval()
        features, labels = [], []
        for batch in self._batches(training_batches):
            features.append(model.features(batch["input"]).cpu())
            labels.append(batch["label"].cpu())
        return torch.cat(features), torch.cat(labels)

    def inputs(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return what the network takes, and the labels, of some rows of the table.

        Args:
            rows: (N,) bool.
        """
        inputs, labels = [], []
        for batch in self._batches(0):
            keep = torch.from_numpy(rows[batch["index"].cpu().numpy()])
            inputs.append(batch["input"].cpu()[keep])
            labels.append(batch["label"].cpu()[keep])
        return torch.cat(inputs), torch.cat(labels)

    def _batches(self, training_batches: int) -> Iterable[Mapping[str, Tensor]]:
        loader: Iterable[Mapping[str, Tensor]] = (
            islice(self.data.train_dataloader(), training_batches)
            if training_batches
            else self.data.val_dataloader()
        )
        for batch in loader:
            yield {name: value.to(self.device) for name, value in batch.items()}

    def _check_data(self, before: Mapping[str, object]) -> None:
        now = self.data.fingerprint().as_dict()
        change = describe_change(dict(before), now)
        if change or not same_rows(self.run.table, self.data.table):
            raise DataError(
                f"The data of the run {self.run.directory.path} has changed since it was trained "
                f"({change or 'other images are evaluated'}): bring the images back, or train it "
                "again with --run.resume never."
            )
