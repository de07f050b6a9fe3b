"""Scoring weights that no run ever held, on the data of a run."""

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from jsonargparse import ArgumentParser
from pytorch_lightning import Trainer
from torch import Tensor

from dropout_ft.data.domains import DomainFolders
from dropout_ft.loading import build_module, choose_weights
from dropout_ft.results.scores import score
from holdfast.checkpoints.reading import check_same_architecture, read_checkpoint
from holdfast.console import quiet_lightning
from holdfast.runs.directory import RunDirectory


def final_weights(run: RunDirectory) -> dict[str, Tensor]:
    """Return the current weights after a run's last step."""
    return choose_weights(run.last, read_checkpoint(run.last), "current")


def evaluate_weights(run: RunDirectory, weights: dict[str, Tensor]) -> dict[str, float]:
    """Score weights exactly as the run scored its own.

    Args:
        run: gives configuration and data.
        weights: a state dictionary of its LightningModule.

    Returns:
        The scores of :func:`dropout_ft.results.scores.score`.
    """
    return Rerun(run).scores(weights)


class Rerun:
    """A run's network and data, built once, into which any weights can be put.

    Args:
        run: gives configuration and data.
    """

    def __init__(self, run: RunDirectory) -> None:
        checkpoint = read_checkpoint(run.last)
        self.module = build_module(run.last, checkpoint)
        self.final = choose_weights(run.last, checkpoint, "current")
        config = json.loads(checkpoint["holdfast_config"])
        self.data = _build_data(config["data"])
        self.data.seed = int(config["seed_everything"])
        quiet_lightning()
        self.trainer = Trainer(
            accelerator=config["trainer"].get("accelerator", "auto"),
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Put weights into the network."""
        check_same_architecture(weights, self.module.state_dict(), source="The weights")
        self.module.load_state_dict(dict(weights))

    def logits(self, weights: Mapping[str, Tensor]) -> np.ndarray:
        """Return (N, C) float32 logits of weights, in the order of the table."""
        self.load(weights)
        self.trainer.validate(self.module, datamodule=self.data, verbose=False)
        found: np.ndarray = self.module.evaluated["current"].numpy()
        return found

    def scores(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        """Return the scores of weights."""
        logits = self.logits(weights)
        return score(logits, self.data.table)

    @torch.no_grad()
    def features(
        self, weights: Mapping[str, Tensor], *, training_batches: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Return representations (N, F) and labels (N,).

        Args:
            weights: of the network.
            training_batches: of so many training batches; 0 for the rows of the table.
        """
        self._attach()
        self.load(weights)
        model = self.module.model.eval()
        features, labels = [], []
        for batch in self._batches(training_batches):
            features.append(model.features(batch["input"]))
            labels.append(batch["label"])
        return torch.cat(features), torch.cat(labels)

    def iid_inputs(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return what the network takes, and the labels, of some rows of the table."""
        self._attach()
        inputs, labels = [], []
        for batch in self._batches(0):
            keep = torch.from_numpy(rows[batch["index"].numpy()])
            inputs.append(batch["input"][keep])
            labels.append(batch["label"][keep])
        return torch.cat(inputs), torch.cat(labels)

    def _attach(self) -> None:
        """Give the data module its trainer and network, as a validation does."""
        if self.data.trainer is None or self.data.trainer.lightning_module is None:
            self.logits(self.final)

    def _batches(self, training_batches: int) -> Iterable[Mapping[str, Tensor]]:
        if training_batches:
            return islice(self.data.train_dataloader(), training_batches)
        return self.data.val_dataloader()


def _build_data(config: dict[str, Any]) -> DomainFolders:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(DomainFolders, "data")
    data = parser.instantiate_classes(parser.parse_object({"data": config}))["data"]
    assert isinstance(data, DomainFolders)
    return data
