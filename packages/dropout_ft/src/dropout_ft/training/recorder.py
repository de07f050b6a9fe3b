"""What happens to the logits of one evaluation."""

from collections.abc import Mapping
from pathlib import Path

from pytorch_lightning import Trainer
from torch import Tensor

from dropout_ft.data.evaluation_table import EvaluationTable
from dropout_ft.results.scores import left_out, score
from dropout_ft.results.store import write_logits, write_table
from holdfast.runs.directory import RunDirectory
from holdfast.runs.results import record_result


class EvaluationRecorder:
    """Score an evaluation; during training also keep its logits and a row of results.

    Args:
        trainer: tells step, rank and run directory.
        table: what the rows of the logits are.
    """

    def __init__(self, trainer: Trainer, table: EvaluationTable) -> None:
        self.trainer = trainer
        self.table = table

    def record(self, logits: Mapping[str, Tensor]) -> dict[str, dict[str, float]]:
        """Return the scores of each set of weights; write files on rank zero while training."""
        scores = {name: score(values.numpy(), self.table) for name, values in logits.items()}
        training = self.trainer.state.fn == "fit" and not self.trainer.sanity_checking
        if training and self.trainer.is_global_zero:
            self._write(logits, scores)
        return scores

    def _write(
        self, logits: Mapping[str, Tensor], scores: Mapping[str, Mapping[str, float]]
    ) -> None:
        run = RunDirectory(path=Path(self.trainer.default_root_dir))
        step = self.trainer.global_step
        table_path = run.path / "table.json"
        if not table_path.is_file():
            write_table(table_path, self.table)
        write_logits(run.logits, step, logits)
        seen = int((~left_out(logits["current"].numpy(), self.table)).sum())
        record_result(run.results, {"step": step, "seen": seen, **scores})
