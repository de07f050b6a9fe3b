"""Scoring weights that no run ever held, on the data of a run."""

import json
from typing import Any

from jsonargparse import ArgumentParser
from pytorch_lightning import Trainer
from torch import Tensor

from dropout_ft.data.domain_folders import DomainFolders
from dropout_ft.loading import build_module, choose_weights
from holdfast.checkpoints.io import check_same_architecture, read_checkpoint
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
        The scores of :func:`dropout_ft.evaluation.scores.score`.
    """
    checkpoint = read_checkpoint(run.last)
    module = build_module(run.last, checkpoint)
    config = json.loads(checkpoint["holdfast_config"])
    data = _build_data(config["data"])
    check_same_architecture(weights, module.state_dict(), source="The averaged weights")
    module.load_state_dict(weights)
    data.seed = int(config["seed_everything"])
    trainer = Trainer(
        accelerator=config["trainer"].get("accelerator", "auto"),
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    scores = trainer.validate(module, datamodule=data, verbose=False)[0]
    return {key.removeprefix("val/"): value for key, value in scores.items()}


def _build_data(config: dict[str, Any]) -> DomainFolders:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(DomainFolders, "data")
    data = parser.instantiate_classes(parser.parse_object({"data": config}))["data"]
    assert isinstance(data, DomainFolders)
    return data
