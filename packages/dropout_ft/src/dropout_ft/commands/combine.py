"""``dropout-ft combine``: several runs of one test domain as one model."""

import sys
from pathlib import Path

from dropout_ft.methods.reevaluation import evaluate_weights, final_weights
from dropout_ft.methods.run_ensemble import check_same_tables, run_ensemble
from dropout_ft.methods.weight_average import average_weights
from dropout_ft.report.collect import load_run
from holdfast.checkpoints.weights import write_weights


def combine(runs: list[str], *, out: str | None = None) -> None:
    """Score the logit ensemble and the weight average of the runs' final checkpoints.

    Unlike the report, the runs may differ in anything but data, split and architecture.

    Args:
        runs: run directories of the same data, split and test domain.
        out: if given, the averaged weights are written to this safetensors file.
    """
    loaded = [load_run(path) for path in runs]
    tables = [run.table for run in loaded]
    check_same_tables(tables)
    members = [run.logits[max(run.logits)]["current"] for run in loaded]
    _print(f"ensemble of {len(loaded)} runs", run_ensemble(members, tables))
    average = average_weights([final_weights(run.directory) for run in loaded])
    _print(f"average of {len(loaded)} runs", evaluate_weights(loaded[0].directory, average))
    if out is not None:
        write_weights(Path(out).expanduser(), average)
        sys.stdout.write(f"averaged weights: {out}\n")


def _print(name: str, scores: dict[str, float]) -> None:
    sys.stdout.write(f"{name}: i.i.d. {100 * scores['iid']:.2f} %, ")
    sys.stdout.write(f"o.o.d. {100 * scores['ood']:.2f} %\n")
