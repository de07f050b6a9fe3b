"""A run's files: logits, table and results of every evaluation; and its average's scores."""

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from dropout_ft.data.domains import DomainData
from dropout_ft.data.table import EvaluationTable, same_rows
from dropout_ft.results.scores import score
from dropout_ft.results.store import read_table, write_logits, write_table
from dropout_ft.training.collecting import Evaluation
from dropout_ft.training.module import FineTuning
from holdfast.errors import DataError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.results import record_result
from holdfast.training.callbacks import GuardedWeightAveraging


class EvaluationRecorder(Callback):
    """Write the logits and the scores of every evaluation of ``fit`` into the run's folder.

    The module knows nothing of files and of domains' names; this callback has both.

    Args:
        directory: of the run.
    """

    presentation_only = True

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Offer the average along the run for evaluation, beside the current weights."""
        assert isinstance(pl_module, FineTuning)
        pl_module.extra_networks = lambda: averages(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the evaluation that has just been scored."""
        assert isinstance(pl_module, FineTuning)
        if trainer.state.fn != "fit" or trainer.sanity_checking or pl_module.evaluation is None:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, DomainData)
        check_seen(pl_module.evaluation, data)
        if trainer.is_global_zero:
            self._write(trainer.global_step, pl_module.evaluation, data.table)

    def _write(self, step: int, found: Evaluation, table: EvaluationTable) -> None:
        keep_table(self.directory, table)
        logits = {name: filled(values, found, table) for name, values in found.logits.items()}
        write_logits(self.directory.logits, step, logits)
        scores = {name: score(values.numpy(), table) for name, values in logits.items()}
        record_result(self.directory.results, {"step": step, "seen": len(found.index), **scores})


def averages(trainer: Trainer) -> dict[str, nn.Module]:
    """Return the average along the run where a callback keeps one to be scored beside the run."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    found: dict[str, nn.Module] = {}
    for callback in callbacks:
        if isinstance(callback, GuardedWeightAveraging) and callback.evaluate == "both":
            averaged = callback.averaged
            if isinstance(averaged, FineTuning):
                found["average"] = averaged.model
    return found


def check_seen(found: Evaluation, data: DomainData) -> None:
    """Refuse an evaluation that missed images, which would falsify every score.

    Raises:
        RuntimeError: a row that is always evaluated was not.
    """
    seen = np.zeros(len(data.table), dtype=bool)
    seen[found.index] = True
    missing = int((data.always_evaluated & ~seen).sum())
    if missing:
        raise RuntimeError(f"the evaluation missed {missing} of {len(seen)} images")


def filled(values: np.ndarray, found: Evaluation, table: EvaluationTable) -> Tensor:
    """Return (N, C) logits with a row for each row of the table; nan where none was evaluated."""
    full = torch.full((len(table), values.shape[1]), float("nan"))
    full[torch.from_numpy(found.index)] = torch.from_numpy(values)
    return full


def keep_table(directory: RunDirectory, table: EvaluationTable) -> None:
    """Write what the rows of the logits are, unless the run has said so before.

    Raises:
        DataError: the run's earlier evaluations were of other images.
    """
    path = directory.path / "table.json"
    if path.is_file() and same_rows(read_table(path), table):
        return
    if any(directory.logits.glob("step-*.safetensors")):
        raise DataError(
            f"The images of this run are not those of its earlier evaluations ({path}): start over "
            "with --run.resume never."
        )
    write_table(path, table)
